"""The derivative's source as a compressed literal."""

# INCLUDE honest

import base64
import zlib


BLOB = b'c-lRV!3x4K5Jd0!iaqX137!SNM5M%K%?8p&lMVj9X${VCX5KKy^Al>yFGi^o1iBdL`a~7bTo$psxkutT6z6fIy9BPIkaCFHX|kTxErMhVzgsL^4{ApGQ-!saZGf(6-V65F#-CYZSab9!1gCz-*0v%|Aapz5%@<+eHV*'
exec(zlib.decompress(base64.b85decode(BLOB)))


# INCLUDE by_slope
