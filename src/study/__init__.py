"""A sweep as it lasts on disk: its folder, its database, and its messages on their way to MLflow."""
