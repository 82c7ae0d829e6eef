"""Form fields in the look of the pages, each with its label, its hint and its errors tied to it."""

from typing import Any

from django import template
from django.conf import settings
from django.forms import BaseForm, CheckboxInput
from django.forms.boundfield import BoundField
from django.urls import reverse
from django.utils.safestring import SafeString

register = template.Library()


@register.inclusion_tag("staff/parts/form_errors.html")
def form_errors(form: BaseForm) -> dict[str, Any]:
    """Show what is wrong with the form as a whole."""
    return {"errors": form.non_field_errors()}


@register.simple_tag
def mail_is_set_up() -> bool:
    """Tell whether the hub can send mail, and with it the link to set a forgotten password anew."""
    return bool(settings.SMTP_URL)


@register.inclusion_tag("staff/parts/form_field.html")
def form_field(field: BoundField, *, hint: bool = True) -> dict[str, Any]:
    """Show one field, with its own hint unless the page has a better one."""
    is_checkbox = isinstance(field.field.widget, CheckboxInput)
    widget = _widget(field, is_checkbox=is_checkbox)
    return {"field": field, "is_checkbox": is_checkbox, "widget": widget, "hint": _hint(field) if hint else ""}


def _hint(field: BoundField) -> str:
    """Return the field's own hint, but no way to a mail that cannot be sent."""
    hint = str(field.help_text)
    return "" if reverse("account_reset_password") in hint and not mail_is_set_up() else hint


def _widget(field: BoundField, *, is_checkbox: bool) -> SafeString:
    look = "form-check-input" if is_checkbox else "form-control"
    attributes: dict[str, str | bool] = {
        "class": f"{look} is-invalid" if field.errors else look,
        "placeholder": False,  # a label that vanishes on typing is none
    }
    if field.errors:
        attributes["aria-describedby"] = f"{field.auto_id}_error"
    return field.as_widget(attrs=attributes)
