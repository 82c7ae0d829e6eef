"""What people fill in: each field checked by the same rules as the API's, and named when it is wrong."""

from collections.abc import Callable
from typing import Any, cast

from django import forms

from staydown_hub.organisations.models import Person
from staydown_hub.rules.access import KINDS, scopes_of_kind
from staydown_hub.rules.admission import ListRule
from staydown_hub.rules.callers import read_network
from staydown_hub.rules.pace import DEFAULT_REQUESTS_A_MINUTE, MOST_REQUESTS_A_MINUTE
from staydown_hub.rules.people import ROLES
from staydown_hub.rules.roll import BadRollError, OrganisationLine, organisation_line
from staydown_hub.rules.texts import MAX_REASON_CHARACTERS, check_reason


def checked_by(rule: Callable[[str], str]) -> Callable[[str], None]:
    """Return a field's validator from a rule that raises ValueError."""

    def validate(value: str) -> None:
        try:
            rule(value)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    return validate


class ReasonForm(forms.Form):
    """Why something is asked for, or not agreed to."""

    reason = forms.CharField(
        max_length=MAX_REASON_CHARACTERS,
        validators=[checked_by(check_reason)],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Members read it. No address and no fingerprint.",
    )


class DisputeForm(ReasonForm):
    """Which entry should not be in force, and why."""

    position = forms.IntegerField(min_value=0, max_value=2**53 - 1, help_text="As the list's page shows it.")
    field_order = ("position", "reason")


class RuleForm(forms.Form):
    """What a list shall ask for."""

    minimum_organisations = forms.IntegerField(min_value=2, max_value=20, label="Organisations at least")
    minimum_votes = forms.IntegerField(
        min_value=0, max_value=20, label="Of them independently", help_text="Three are the trusted grade."
    )
    required_kinds = forms.MultipleChoiceField(
        choices=[(kind, kind.replace("_", " ")) for kind in KINDS if "assess" in scopes_of_kind(kind)],
        label="One of these kinds",
        widget=forms.SelectMultiple(attrs={"class": "form-select"}),
    )
    codes = forms.CharField(max_length=1000, help_text="Separated by blanks; the page Schemes names them.")

    def rule(self) -> ListRule:
        """Return what was filled in, as the rules know it."""
        given = self.cleaned_data
        return ListRule(
            minimum_organisations=given["minimum_organisations"],
            required_kinds=frozenset(given["required_kinds"]),
            codes=frozenset(given["codes"].split()),
            minimum_votes=given["minimum_votes"],
        )


class OrganisationForm(forms.Form):
    """An organisation that shall join, with the first person of its own, who administers it."""

    name = forms.CharField(max_length=200)
    slug = forms.CharField(
        max_length=64, label="Short name", help_text="Lower-case letters, digits, - and _; for good."
    )
    kind = forms.ChoiceField(
        choices=[(kind, kind.replace("_", " ")) for kind in KINDS], widget=forms.Select(attrs={"class": "form-select"})
    )
    domains = forms.CharField(
        required=False,
        label="Hosts that it answers for",
        help_text="Separated by blanks, each with all below it; may stay empty.",
    )
    abuse_mail = forms.EmailField(required=False, label="Where notices about these hosts go")
    administrator = forms.EmailField(help_text="The e-mail of whoever administers it: they bring in the others.")

    def clean(self) -> dict[str, object]:
        """Hold the fields to the rules of the roll."""
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.line()
            except BadRollError as error:
                raise forms.ValidationError(str(error)) from None
        return cleaned

    def line(self) -> OrganisationLine:
        """Return what was filled in, as the roll knows it. Raises BadRollError."""
        given = self.cleaned_data
        return organisation_line(
            {
                "slug": given["slug"],
                "name": given["name"],
                "kind": given["kind"],
                "domains": given["domains"].split(),
                "abuse_mail": given["abuse_mail"],
                "people": [{"email": given["administrator"], "role": "administrator"}],
            }
        )


class InvitationForm(forms.Form):
    """Who is invited, and for what."""

    email = forms.EmailField(label="E-mail")
    role = forms.ChoiceField(choices=[(role, role) for role in ROLES])


class RoleForm(forms.Form):
    """Another role."""

    role = forms.ChoiceField(choices=[(role, role) for role in ROLES])


class CertificateForm(forms.Form):
    """What somebody was trained in."""

    course = forms.CharField(max_length=200)
    issued_on = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}))
    expires_on = forms.DateField(
        label="First day without the right", widget=forms.DateInput(attrs={"type": "date"}), help_text="From 00:00 UTC."
    )


class KeyForm(forms.Form):
    """A key for a program of one's own organisation."""

    name = forms.CharField(max_length=100)
    scopes = forms.MultipleChoiceField(widget=forms.SelectMultiple(attrs={"class": "form-select"}))
    person = forms.ChoiceField(
        required=False, label="Acts for", help_text="A key that assesses needs a trained person."
    )
    days = forms.IntegerField(min_value=1, max_value=1_100, initial=365, label="Days until it expires")
    networks = forms.CharField(
        required=False,
        label="Works from",
        help_text="Networks separated by blanks, such as 192.0.2.0/24; empty: anywhere.",
    )
    client_subject = forms.CharField(required=False, max_length=400, label="Subject of its client certificate")
    requests_a_minute = forms.IntegerField(
        min_value=1, max_value=MOST_REQUESTS_A_MINUTE, initial=DEFAULT_REQUESTS_A_MINUTE, label="Requests a minute"
    )

    def __init__(self, *args: Any, kind: str, people: list[Person], **kwargs: Any) -> None:  # noqa: ANN401 -- Django's own
        super().__init__(*args, **kwargs)
        cast("forms.MultipleChoiceField", self.fields["scopes"]).choices = [
            (one, one) for one in sorted(scopes_of_kind(kind))
        ]
        who = [("", "nobody")] + [(str(one.pk), one.email) for one in people if one.is_active]
        cast("forms.ChoiceField", self.fields["person"]).choices = who

    def clean_networks(self) -> tuple[str, ...]:
        """Return the networks as they are kept."""
        try:
            return tuple(read_network(one) for one in str(self.cleaned_data["networks"]).split())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
