package org.adjoint.nn;

import java.util.List;
import org.adjoint.Tensor;

/**
 * A recurrent network that has no other states than the hidden ones.
 *
 * @param <M> the module's own class
 */
public abstract sealed class HiddenRecurrent<M extends HiddenRecurrent<M>> extends Recurrent<M> implements Layer
    permits GRU, RNN {
    /**
     * The last layer's hidden states, {@code (time, batch, directions width)}, and those of all layers after the last
     * input, {@code (layers directions, batch, width)}.
     */
    public record Results(Tensor output, Tensor hidden) { }

    HiddenRecurrent(RecurrentOptions options, int gates) {
        super(options, gates, 1);
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

    public Results run(Tensor x, Tensor hidden) {
        return results(run(x, List.of(hidden)));
    }

    private static Results results(Run run) {
        return new Results(run.output(), run.states().getFirst());
    }
}
