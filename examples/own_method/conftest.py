pytest_plugins = ["noisy_keras.testing.plugin"]
