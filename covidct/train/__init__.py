"""The benchmark: recipes, training, evaluation, statistics, reports."""
