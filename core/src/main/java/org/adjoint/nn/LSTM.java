package org.adjoint.nn;

import java.util.List;
import org.adjoint.Recurrence;
import org.adjoint.Scan;
import org.adjoint.Tensor;

/**
 * Long short-term memory, as {@code torch.nn.LSTM}: {@link Recurrence#lstm} in layers, for x {@code (time, batch,
 * in)} or {@code (time, in)}. Parameters bear PyTorch's names ({@code weight_ih_l0 (4 width, in)}, {@code
 * weight_hh_l0 (4 width, width)}, {@code bias_ih_l0}, {@code bias_hh_l0 (4 width)}, with {@code _reverse} for the
 * second direction), gates stand in PyTorch's order i, f, g, o, and all start uniform in {@code [-1, 1) /
 * sqrt(width)}.
 */
public final class LSTM extends Recurrent<LSTM> implements Layer {
    /** Hidden and cell states, {@code (layers directions, batch, width)} each. */
    public record State(Tensor hidden, Tensor cell) { }

    /** The last layer's hidden states, {@code (time, batch, directions width)}, and the states after the last input. */
    public record Results(Tensor output, State state) { }

    private LSTM(RecurrentOptions options) {
        super(options, 4, 2);
    }

    public static LSTM of(long in, long width) {
        return new LSTM(RecurrentOptions.of(in, width));
    }

    public static LSTM of(RecurrentOptions options) {
        return new LSTM(options);
    }

    /** The hidden states, starting from zeros. */
    @Override
    public Tensor forward(Tensor x) {
        return run(x).output();
    }

    /** Starts from zeros. */
    public Results run(Tensor x) {
        return results(run(x, (List<Tensor>) null));
    }

    public Results run(Tensor x, State state) {
        return results(run(x, List.of(state.hidden, state.cell)));
    }

    private static Results results(Run run) {
        return new Results(run.output(), new State(run.states().get(0), run.states().get(1)));
    }

    @Override
    Scan.Results layer(Tensor x, List<Tensor> states, Recurrence.Weights weights, boolean reverse) {
        return Recurrence.lstm(x, states.get(0), states.get(1), weights, reverse);
    }
}
