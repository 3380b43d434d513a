"""Selection of samples and labels: splits, classes and corrections."""
