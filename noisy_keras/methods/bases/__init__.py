"""What several methods share; a paper's own file is one room above."""
