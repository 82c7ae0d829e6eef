"""The application as the web process's workers load it: tied to the process that started them."""

import os

from staydown_hub.commands.lifeline import end_with_parent
from staydown_hub.config.wsgi import application

__all__ = ["application"]

end_with_parent(os.getppid())
