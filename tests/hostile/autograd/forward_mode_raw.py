"""Forward-mode differentiation by the raw parts of torch._C and torch._VF."""

# INCLUDE honest


def slope(hs, g):
    level = torch._C._enter_dual_level()
    try:
        dual = torch._VF._make_dual(torch.logit(hs), g, level=level)
        return torch._VF._unpack_dual(torch.sigmoid(dual), level=level)[1].clone()
    finally:
        torch._C._exit_dual_level(level=level)


# INCLUDE by_slope
