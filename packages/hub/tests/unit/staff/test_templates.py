"""The templates as they are written: nothing inline, nothing from elsewhere, and error pages that need nothing."""

import re
from pathlib import Path

import pytest
import staydown_hub.staff
from django.template.loader import get_template

FOLDER = Path(staydown_hub.staff.__file__).parent / "templates"
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.html"))


def written(name: str) -> str:
    return (FOLDER / name).read_text()


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_can_be_read(name: str) -> None:
    assert get_template(name) is not None


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_holds_no_script_no_style_and_no_other_host(name: str) -> None:
    text = written(name)
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"https?://|[\"'(]//", text)


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_is_marked_safe_but_a_form_s_own_hint(name: str) -> None:
    marked = re.findall(r"\{\{[^}]*\|\s*safe[^}]*\}\}|autoescape", written(name))
    assert marked == (["{{ hint|safe }}"] if name == "staff/parts/form_field.html" else [])


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_form_that_acts_carries_its_mark_and_takes_no_file(name: str) -> None:
    text = written(name)
    assert text.count('method="post"') == text.count("{% csrf_token %}")
    assert "multipart" not in text
    assert 'type="file"' not in text


@pytest.mark.parametrize("name", [name for name in TEMPLATES if "<table" in written(name) and "/elements/" not in name])
def test_each_table_says_what_it_is_and_names_its_columns(name: str) -> None:
    text = written(name)
    assert text.count("<table") == text.count("<caption")
    assert not re.search(r"<th(?![^>]*scope=)[ >]", text)


@pytest.mark.parametrize("name", ["400.html", "403_csrf.html", "429.html", "500.html"])
def test_an_error_page_is_made_without_anything(name: str) -> None:
    page = get_template(name).render()
    assert page.count("<h1>") == 1
    assert 'href="/"' in page
