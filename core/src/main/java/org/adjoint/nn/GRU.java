package org.adjoint.nn;

import java.util.List;
import org.adjoint.Recurrence;
import org.adjoint.Scan;
import org.adjoint.Tensor;

/**
 * Gated recurrent units, as {@code torch.nn.GRU}: {@link Recurrence#gru} in layers, for x {@code (time, batch, in)}
 * or {@code (time, in)}. Parameters bear PyTorch's names ({@code weight_ih_l0 (3 width, in)}, {@code weight_hh_l0 (3
 * width, width)}, {@code bias_ih_l0}, {@code bias_hh_l0 (3 width)}, with {@code _reverse} for the second direction),
 * gates stand in PyTorch's order r, z, n, and all start uniform in {@code [-1, 1) / sqrt(width)}.
 */
public final class GRU extends HiddenRecurrent<GRU> {
    private GRU(RecurrentOptions options) {
        super(options, 3);
    }

    public static GRU of(long in, long width) {
        return new GRU(RecurrentOptions.of(in, width));
    }

    public static GRU of(RecurrentOptions options) {
        return new GRU(options);
    }

    @Override
    Scan.Results layer(Tensor x, List<Tensor> states, Recurrence.Weights weights, boolean reverse) {
        return Recurrence.gru(x, states.getFirst(), weights, reverse);
    }
}
