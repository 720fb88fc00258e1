import re

from hypothesis import given
from hypothesis import strategies as st

from course_utils.quiz.markdown import TAGS, inline, parse, to_html

markdown = st.text(st.sampled_from("ab \n*_`\\<>&\"'-1.()[]!#"), max_size=60)


def test_the_subset_becomes_a_tree():
    text = "Is **bold** *and* `a*b`?\n\n- one\n- two\n\n1. first\n\n```python\nx = 1\n```"
    assert parse(text) == [
        ["p", "Is ", ["strong", "bold"], " ", ["em", "and"], " ", ["code", "a*b"], "?"],
        ["ul", ["li", "one"], ["li", "two"]],
        ["ol", ["li", "first"]],
        ["pre", ["code", "x = 1"]],
    ]


def test_html_links_and_images_stay_text():
    text = '<img src=x onerror="alert(1)"> [a](javascript:b) ![c](d) <https://e.f> &amp;'
    assert parse(text) == [["p", text]]
    assert "<img" not in to_html(parse(text))


def test_a_line_that_looks_like_a_list_stays_a_line():
    assert inline("- 6 dB") == ["- 6 dB"]
    assert inline("1. The first") == ["1. The first"]


def test_names_with_underscores_and_products_stay_as_they_are():
    assert inline("n_fft and hop_length, 2 * 3 * 4") == ["n_fft and hop_length, 2 * 3 * 4"]


@given(markdown)
def test_any_text_becomes_nothing_but_known_tags(text):
    def check(nodes):
        for node in nodes:
            if isinstance(node, list):
                assert node[0] in TAGS
                check(node[1:])

    check(parse(text))
    check(inline(text))


@given(markdown)
def test_html_has_no_tags_but_the_known_ones(text):
    tags = re.findall(r"</?([^>]*)>", to_html(parse(text)))
    assert set(tags) <= TAGS
