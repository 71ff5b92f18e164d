package org.adjoint.nn;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.adjoint.Recurrence;
import org.adjoint.Scan;
import org.adjoint.Tensor;
import org.adjoint.graph.Shape;

/**
 * What recurrent networks have in common. Parameters bear PyTorch's names, layer k's first direction
 * {@code weight_ih_lk (gates width, in)}, {@code weight_hh_lk (gates width, width)}, {@code bias_ih_lk} and
 * {@code bias_hh_lk (gates width)}, its second {@code weight_ih_lk_reverse} and so on; all start uniform in
 * {@code [-1, 1) / sqrt(width)}, as in PyTorch.
 *
 * @param <M> the module's own class
 */
abstract sealed class Recurrent<M extends Recurrent<M>> extends Module<M> permits LSTM, HiddenRecurrent {
    private final RecurrentOptions options;
    private final int states;
    private final List<Direction> directions = new ArrayList<>();

    /** Parameters of one direction of one layer; biases are null where there are none. */
    private record Direction(Parameter input, Parameter hidden, Parameter inputBias, Parameter hiddenBias) {
        Recurrence.Weights weights() {
            return new Recurrence.Weights(input.tensor(), hidden.tensor(),
                inputBias == null ? null : inputBias.tensor(), hiddenBias == null ? null : hiddenBias.tensor());
        }
    }

    /** Hidden states of the last layer at all times, and all states after the last. */
    record Run(Tensor output, List<Tensor> states) { }

    /** @param states how many states a layer has */
    Recurrent(RecurrentOptions options, int gates, int states) {
        this.options = options;
        this.states = states;
        long rows = gates * options.width();
        Initializer start = Initializer.fanInUniform(options.width());
        for (int layer = 0; layer < options.layers(); layer++) {
            long in = layer == 0 ? options.in() : options.width() * options.directions();
            for (int direction = 0; direction < options.directions(); direction++) {
                String suffix = "_l" + layer + (direction == 0 ? "" : "_reverse");
                directions.add(new Direction(parameter("weight_ih" + suffix, Shape.of(rows, in), start),
                    parameter("weight_hh" + suffix, Shape.of(rows, options.width()), start),
                    options.biased() ? parameter("bias_ih" + suffix, Shape.of(rows), start) : null,
                    options.biased() ? parameter("bias_hh" + suffix, Shape.of(rows), start) : null));
            }
        }
    }

    /** One direction of one layer over all times. */
    abstract Scan.Results layer(Tensor x, List<Tensor> states, Recurrence.Weights weights, boolean reverse);

    /** @param initial null for zeros, else one tensor (layers directions, batch, width) for each of a layer's states */
    final Run run(Tensor x, List<Tensor> initial) {
        requireWidth(x, options.in());
        if (x.shape().rank() != 2 && x.shape().rank() != 3) {
            throw new IllegalArgumentException(this + ": its input must be " + (options.batchFirst() ? "(batch, time, "
                : "(time, batch, ") + options.in() + "), or (time, " + options.in() + ") of one example, but is "
                + x.shape());
        }
        boolean batched = x.shape().rank() == 3;
        int batchAxis = options.batchFirst() ? 0 : 1;
        Tensor all = batched ? x : x.unsqueeze(batchAxis);
        Tensor current = options.batchFirst() ? all.transpose(0, 1) : all;
        List<List<Tensor>> first = initial == null ? zeros(current) : initial.stream()
            .map(state -> split(state, current.shape().extent(1), batched)).toList();
        List<List<Tensor>> last = new ArrayList<>();
        for (int i = 0; i < states; i++) {
            last.add(new ArrayList<>());
        }
        Tensor below = current;
        for (int layer = 0; layer < options.layers(); layer++) {
            List<Tensor> sides = new ArrayList<>();
            for (int direction = 0; direction < options.directions(); direction++) {
                int index = layer * options.directions() + direction;
                Scan.Results results = layer(below, first.stream().map(state -> state.get(index)).toList(),
                    directions.get(index).weights(), direction == 1);
                sides.add(results.output(0));
                for (int i = 0; i < states; i++) {
                    last.get(i).add(results.carry(i));
                }
            }
            below = sides.size() == 1 ? sides.getFirst() : Tensor.concat(2, sides);
            if (layer < options.layers() - 1 && options.dropout() > 0 && isTraining()) {
                below = below.dropout(options.dropout());
            }
        }
        Tensor output = options.batchFirst() ? below.transpose(0, 1) : below;
        return new Run(batched ? output : output.squeeze(batchAxis), last.stream().map(Tensor::stack)
            .map(state -> batched ? state : state.squeeze(1)).toList());
    }

    private List<List<Tensor>> zeros(Tensor x) {
        Tensor zero = x.device().zeros(x.dtype(), x.shape().extent(1), options.width());
        return Collections.nCopies(states, Collections.nCopies(directions.size(), zero));
    }

    private List<Tensor> split(Tensor state, long batch, boolean batched) {
        Shape expected = batched ? Shape.of(directions.size(), batch, options.width())
            : Shape.of(directions.size(), options.width());
        if (!state.shape().equals(expected)) {
            throw new IllegalArgumentException(this + ": a state must be " + expected + " but is " + state.shape());
        }
        Tensor each = batched ? state : state.unsqueeze(1);
        List<Tensor> parts = new ArrayList<>();
        for (int i = 0; i < directions.size(); i++) {
            parts.add(each.slice(0, i, i + 1).squeeze(0));
        }
        return parts;
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + "(" + options + ")";
    }
}
