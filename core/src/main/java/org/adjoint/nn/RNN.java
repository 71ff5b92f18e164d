package org.adjoint.nn;

import java.util.List;
import java.util.Objects;
import org.adjoint.Recurrence;
import org.adjoint.Recurrence.Nonlinearity;
import org.adjoint.Scan;
import org.adjoint.Tensor;

/**
 * The simple recurrent network, as {@code torch.nn.RNN}: {@link Recurrence#rnn} in layers, for x {@code (time, batch,
 * in)} or {@code (time, in)}. Parameters bear PyTorch's names ({@code weight_ih_l0 (width, in)}, {@code weight_hh_l0
 * (width, width)}, {@code bias_ih_l0}, {@code bias_hh_l0 (width)}, with {@code _reverse} for the second direction);
 * all start uniform in {@code [-1, 1) / sqrt(width)}.
 */
public final class RNN extends HiddenRecurrent<RNN> {
    private final Nonlinearity nonlinearity;

    private RNN(RecurrentOptions options, Nonlinearity nonlinearity) {
        super(options, 1);
        this.nonlinearity = Objects.requireNonNull(nonlinearity, "nonlinearity");
    }

    /** With tanh. */
    public static RNN of(long in, long width) {
        return of(RecurrentOptions.of(in, width), Nonlinearity.TANH);
    }

    public static RNN of(RecurrentOptions options, Nonlinearity nonlinearity) {
        return new RNN(options, nonlinearity);
    }

    @Override
    Scan.Results layer(Tensor x, List<Tensor> states, Recurrence.Weights weights, boolean reverse) {
        return Recurrence.rnn(x, states.getFirst(), weights, nonlinearity, reverse);
    }
}
