"""The texts of this homework's named mistakes, by the mistake's id."""

from grader.judging.messages import N_

MISTAKES = {
    # A wrong sign or factor, which every homework has: this one's words for them
    "sign": N_(
        "The sign of your {equation} is flipped: descent would climb. f depends on Y_pred "
        "through Y - Y_pred, and differentiating that brings a minus that is easily lost, or "
        "counted twice. Follow the signs from (1.1) on."
    ),
    "factor_two_missing": N_(
        "A factor of 2 is missing from your {equation}. f is a sum of squares: "
        "what does differentiating a square bring down? Look at the differential of the "
        "squared norm in section 4."
    ),
    "factor_two_doubled": N_(
        "There is a factor of 2 too many in your {equation}. The 2 of the differential of the "
        "square is there once; look for the place where it comes in a second time."
    ),
    "mean_for_sum": N_(
        "Your {equation} is divided by the number of samples. The objective (1.1) is a sum of"
        " squares, not a mean, and so is its gradient; the learning rate is where a mean "
        "belongs."
    ),
    "scalar_multiple": N_(
        "A factor that all entries of your {equation} have in common is wrong. Go through the "
        "factors of your derivation, from (1.1) on."
    ),
    # Signs
    "residual_reversed": N_(
        "Y_pred - Y stands in your {function} where the differential of (1.1) has Y - Y_pred,"
        " and the factor before it was not changed with it, so the sign of {equation} is "
        "flipped. Choose one order and follow its sign through."
    ),
    "absolute_gradient": N_(
        "The entries of your {equation} have lost their own signs. A gradient points somewhere: "
        "its signs belong to it. Take the absolute value off."
    ),
    # The residual, (1.1)
    "y_pred_for_residual": N_(
        "Where the residual belongs, your {equation} has Y_pred alone. What does the "
        "differential of (1.1) say is multiplied: the prediction, or how far it is from Y?"
    ),
    "y_for_residual": N_(
        "Where the residual belongs, your {equation} has Y alone, so the gradient does not "
        "know what the network predicts. Take the differential of (1.1) once more."
    ),
    "residual_added": N_(
        "Y and Y_pred are added in your {function} where the residual is their difference, (1.1)."
    ),
    "residual_squared": N_(
        "The residual is still squared in your {equation}. Differentiating a square lowers "
        "its power by one: that is the first step of the derivation, the differential of the "
        "squared norm."
    ),
    "residual_absolute": N_(
        "Your {equation} uses the size or the sign of the residual alone: that is the "
        "derivative of a sum of absolute values. (1.1) is a sum of squares."
    ),
    # Back through W2, (1.4)
    "w2_not_transposed": N_(
        "The shapes do not fit because W2 is used as it stands. Going back through (1.4), "
        "from the output (N x {n_output}) to the hidden layer (N x H), the matrix acts the other "
        "way round: see what the trace rule does with a factor on the right."
    ),
    "w2_missing": N_(
        "W2 is missing from your {equation}. The hidden layer reaches the output only through"
        " W2, (1.4), so the way back passes it too: each hidden unit gets its own share of "
        "the residual."
    ),
    "w1_for_w2": N_(
        "W1 stands in your {function} where W2 belongs. The residual comes back from the "
        "output through the layer of (1.4); which weights are in that equation?"
    ),
    "back_path_missing": N_(
        "Your {equation} has the derivative of the {activation}, but not the residual that comes "
        "back through (1.4). The chain rule multiplies all the steps from f down to "
        "{parameter}."
    ),
    # The derivative of the {activation}, (1.3) and (2.3)
    "one_minus_hs_missing": N_(
        "The derivative of the {activation} is a product of two factors, (2.3), and the one with "
        "the minus is missing from your {equation}. Derive (2.2) once more and see where each"
        " factor comes from."
    ),
    "hs_missing": N_(
        "The derivative of the {activation} is a product of two factors, (2.3), and only one of "
        "them is in your {equation}. Derive (2.2) once more and see where each factor comes "
        "from."
    ),
    "activation_derivative_missing": N_(
        "The derivative of the {activation} is missing from your {equation}, as if the hidden "
        "layer were linear. Between h and hs there is (1.3); the chain rule takes its "
        "derivative along."
    ),
    "derivative_of_hs": N_(
        "In your {equation} the {activation} is applied to hs once more. hs is the {activation}'s "
        "value already; (2.3) is written in that value, so nothing needs to be applied again."
    ),
    "activation_for_its_derivative": N_(
        "In your {equation} the {activation} of hs stands where the derivative of the {activation} "
        "belongs. hs is the {activation}'s value; (2.3) says how the derivative follows from it."
    ),
    "h_for_hs": N_(
        "h stands in your {function} where its {activation} belongs. Keep apart what goes into "
        "(1.3) and what comes out of it, hs."
    ),
    "tanh_derivative": N_(
        "That is the derivative of tanh. The network has the {activation}, (1.3), and its "
        "derivative is (2.3)."
    ),
    "sigmoid_derivative": N_(
        "That is the derivative of the sigmoid. The network has the {activation}, (1.3), and "
        "its derivative is (2.3)."
    ),
    "relu_derivative": N_(
        "That is the derivative of ReLU, one or zero. The network has the {activation}, (1.3), and"
        " its derivative is (2.3)."
    ),
    "plus_in_derivative": N_(
        "There is a plus in your derivative of the {activation} where (2.3) has a minus."
    ),
    "hs_squared": N_(
        "hs stands twice in your derivative of the {activation}. (2.3) has two different factors: "
        "it must vanish where hs is near 1, too."
    ),
    "square_missing": N_("A square is missing from your derivative of the {activation}, (2.3)."),
    "one_minus_missing": N_(
        "Your {equation} has what (2.3) subtracts from one, and not the difference. Derive "
        "(2.2) once more and see where the one comes from."
    ),
    "exponent_sign": N_(
        "The sign in the exponent of your derivative of the {activation} is flipped. Check it "
        "against (2.3)."
    ),
    "sine_for_cosine": N_(
        "A sine stands in your derivative of the {activation} where (2.3) has a cosine."
    ),
    "derivative_twice": N_(
        "The derivative of the {activation} is in your {equation} twice. Between f and {parameter}"
        " the {activation} (1.3) is passed once."
    ),
    "derivative_inverted": N_(
        "Your {equation} divides by the derivative of the {activation}. Going back through (1.3), "
        "the chain rule multiplies."
    ),
    "matmul_for_elementwise": N_(
        "A matrix product stands in your {function} where the {activation}'s derivative belongs. "
        "The {activation} (1.3) acts on each entry by itself, so going back through it multiplies "
        "entry by entry."
    ),
    "added_for_multiplied": N_(
        "Your {equation} adds the derivative of the {activation} to what comes back from the "
        "output. The chain rule multiplies the steps; see the elementwise rule of section 4."
    ),
    # The factors of the weights, (1.2) and (1.4)
    "x_missing": N_(
        "X is missing from your {equation}: that is the gradient for something that is added "
        "to h. W1 is multiplied by X in (1.2); what becomes of the other factor of a product?"
    ),
    "x_not_transposed": N_(
        "The shapes do not fit because X is used as it stands. In (1.2) it is on the left of "
        "W1; see what the trace rule makes of a factor on the left, and which shape the "
        "gradient must have."
    ),
    "hs_for_x": N_(
        "hs stands in your {equation} where X belongs. W1 is in (1.2): what is it multiplied "
        "by there?"
    ),
    "hs_missing_in_w2": N_(
        "hs is missing from your {equation}: that is the gradient for something that is added"
        " to the output. W2 is multiplied by hs in (1.4); what becomes of the other factor of"
        " a product?"
    ),
    "hs_not_transposed": N_(
        "The shapes do not fit because hs is used as it stands. In (1.4) it is on the left of"
        " W2; see what the trace rule makes of a factor on the left, and which shape the "
        "gradient must have."
    ),
    "x_for_hs": N_(
        "X stands in your {equation} where hs belongs. W2 is in (1.4): what is it multiplied "
        "by there?"
    ),
    "derivative_for_hs": N_(
        "The derivative of the {activation} stands in your {equation}. W2 comes after the "
        "{activation}: on the way from f back to W2, (1.3) is not passed."
    ),
    "w2_in_its_own_gradient": N_(
        "W2 itself is a factor of your {equation}. Y_pred is linear in W2, (1.4): its "
        "derivative does not hold W2 any more, but for the residual."
    ),
    "elementwise_for_matmul": N_(
        "An elementwise product stands in your {function} where a matrix product belongs: the"
        " sum over what the two factors have in common is missing. Compare the shapes with "
        "those of {equation}."
    ),
    # The sum over the rows
    "rows_not_summed": N_(
        "The gradient is not summed over the rows. That is right for a bias of its own per "
        "sample, but here all samples share one row of {parameter}: it reaches f through "
        'every row that it was broadcast to, and those effects add up. See "Two bias '
        'conventions".'
    ),
    "rows_always_summed": N_(
        "The gradient is summed over the rows, though here each sample has a row of "
        '{parameter} of its own: then a row reaches f through its own sample only. See "Two '
        'bias conventions": the gradient has the shape of the parameter.'
    ),
    "wrong_axis_summed": N_(
        "The sum goes over the wrong axis. Samples are the rows; what they share is summed "
        "over them, and each hidden unit keeps its own column."
    ),
    "one_row_for_all": N_(
        "Only the first sample's row is returned. Where each sample has a row of {parameter} of "
        "its own, each has its gradient; one shared row reaches f through all samples. See "
        '"Two bias conventions".'
    ),
    "summed_to_a_number": N_(
        "Everything is summed to one number. The gradient has the shape of the parameter: one"
        " entry for each entry of {parameter}."
    ),
    "dimension_dropped": N_(
        "The shape is not right: a dimension was dropped (by squeeze, flatten, or a sum without "
        "keepdim). The gradient has the shape of the parameter."
    ),
    # Another gradient
    "b2_in_place_of_b1": N_(
        "That is the gradient of b2. b1 comes before the {activation}, (1.2): the way back goes "
        "on, through W2 and (1.3)."
    ),
    "b1_in_place_of_b2": N_(
        "That is the gradient of b1. b2 is added to the output, (1.4): the way back to it "
        "ends before W2 and the {activation}."
    ),
    "w2_in_place_of_w1": N_(
        "That is the gradient of W2. W1 comes before the {activation}, (1.2): the way back goes "
        "on, through W2 and (1.3)."
    ),
    "w1_in_place_of_w2": N_(
        "That is the gradient of W1. W2 comes after the {activation}, (1.4): the way back to it is"
        " shorter."
    ),
    "w2_in_place_of_b2": N_(
        "That is the gradient of W2. b2 is added in (1.4) and multiplied by nothing."
    ),
    # Right numbers in wrong places
    "transposed": N_(
        "Your {equation} is transposed. The gradient has the shape of the parameter; bring df"
        " into the form tr(G^T dW) and read off G, not its transpose."
    ),
    "printed_transpose": N_(
        "Your (3.3) is transposed, as the report misprints it (see the errata). b2 is a "
        "column, and so is its gradient."
    ),
    # The forward pass
    "biases_left_out": N_("Both biases are left out. (1.2) and (1.4) each add one."),
    "b1_left_out": N_("b1 is left out of the hidden layer, (1.2)."),
    "b2_left_out": N_("b2 is left out of the output, (1.4)."),
    "bias_subtracted": N_("A bias is subtracted. (1.2) and (1.4) add it."),
    "bias_multiplied": N_("A bias is multiplied where (1.2) and (1.4) add it."),
    "bias_rows_merged": N_(
        "One row of the bias is used for all samples, though here each sample has a row of "
        'its own. Broadcasting does both conventions by itself: see "Two bias conventions".'
    ),
    "weight_transposed": N_(
        "A weight matrix is transposed in {function}: in (1.2) and (1.4) it stands on the "
        "right as it is. (nn.Linear stores it transposed; params does not.)"
    ),
    "activation_missing": N_(
        "The {activation} is missing: hs is h. Without (1.3) the two layers are one linear map."
    ),
    "relu_for_activation": N_("That is ReLU. The hidden layer has the {activation}, (1.3)."),
    "sigmoid_for_activation": N_(
        "That is the sigmoid. The hidden layer has the {activation}, (1.3)."
    ),
    "tanh_for_activation": N_("That is tanh. The hidden layer has the {activation}, (1.3)."),
    "softmax_for_activation": N_(
        "That is softmax, which makes entries compete. The {activation} (1.3) acts on each entry "
        "by itself."
    ),
    "softplus_for_activation": N_(
        "That is softplus. The hidden layer has the {activation}, (1.3)."
    ),
    "activation_twice": N_("The {activation} is applied twice. (1.3) applies it once."),
    "activation_of_minus_h": N_("That is the {activation} of -h. Check the signs against (2.1)."),
    "derivative_for_activation": N_(
        "That is the derivative of the {activation}, (2.3). The hidden layer has the {activation} "
        "itself, (1.3)."
    ),
    "activation_overflows": N_(
        "At h = 1000 the exponential is infinite, so your {function} is not the {activation} "
        "there. The forms of (2.1) are equal on paper; try each of them at 1000 and at -1000, "
        "or use what torch has."
    ),
    "activation_on_output": N_(
        "The output goes through the {activation}, too. (1.4) is linear: y_pred may be any number."
    ),
    "relu_on_output": N_("The output goes through ReLU. (1.4) is linear: y_pred may be negative."),
    "h_returned_for_hs": N_(
        "h is returned as hs. hs is what comes out of the {activation}, (1.3)."
    ),
    "outputs_swapped": N_("hs and y_pred are returned in the wrong order: hs comes first."),
    "outputs_transposed": N_(
        "What is returned is transposed. The rows are samples: hs is N x H and y_pred N x "
        "{n_output}."
    ),
    "output_dimension_dropped": N_(
        "y_pred has lost its second dimension. It is N x {n_output}, as (1.4) makes it; leave out "
        "squeeze and flatten."
    ),
    "hidden_returned_twice": N_(
        "The hidden layer is returned as y_pred. The output layer (1.4) is missing, or its "
        "result is not returned."
    ),
    "net_layer_missing": N_(
        "A layer is missing or has another name: call the two nn.Linear layers self.hidden "
        "and self.predict."
    ),
    "net_bias_missing": N_(
        "A layer has no bias. (1.2) and (1.4) each add one, and nn.Linear has one unless it "
        "is told otherwise."
    ),
    "net_sizes_fixed": N_(
        "Net ignores the sizes it is made with. Use n_feature, n_hidden and n_output, not the"
        " numbers of one example."
    ),
}
