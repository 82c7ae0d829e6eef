"""How one hub is set up: settings from the environment, the URL map, the WSGI application."""
