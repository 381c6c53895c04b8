"""Break the screen and the report by an error's text: markup, escapes, HTML, a formula."""
# INCLUDE honest


def grad_w1(x, y, params, hs, y_pred):
    raise ValueError("[/bold][red]{detail}{0} \x1b[2J\x1b]0;100\x07 <script>alert(1)</script> =1+1")
