"""A trained model as an HTTP service, with a page to try it on."""
