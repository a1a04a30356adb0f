def test_a_page_is_drawn(page):
    page.set_content("<button>hello</button>")
    assert page.get_by_role("button").inner_text() == "hello"
