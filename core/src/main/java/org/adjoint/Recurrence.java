package org.adjoint;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.graph.Shape;

/**
 * Layers of recurrent networks, in one direction, as functions of their weights: gates stand in PyTorch's order. What
 * the inputs contribute is one product of matrices for all times; a {@link Scan} adds what the state does.
 *
 * <p>Inputs are {@code x (time, batch, in)} and states {@code (batch, width)}. Carries of the results are the last
 * states, in the order of the arguments; the only output holds the hidden state at all times, {@code (time, batch,
 * width)}. All throw {@link IllegalArgumentException} for shapes that do not fit.
 */
public final class Recurrence {
    private Recurrence() { }

    /**
     * Weights of a layer whose gates stand on top of each other.
     *
     * @param input {@code (gates width, in)}
     * @param hidden {@code (gates width, width)}
     * @param inputBias {@code (gates width)}, or null, as then {@code hiddenBias} is
     */
    public record Weights(Tensor input, Tensor hidden, Tensor inputBias, Tensor hiddenBias) { }

    /** What a layer of one gate does with it. */
    public enum Nonlinearity { TANH, RELU }

    /**
     * Long short-term memory (Hochreiter and Schmidhuber, 1997; with forget gates, Gers et al., 2000). With z the
     * inputs' and the state's share, split into i, f, g, o: {@code c' = sigmoid(f) c + sigmoid(i) tanh(g)}, {@code h'
     * = sigmoid(o) tanh(c')}.
     */
    public static Scan.Results lstm(Tensor x, Tensor hidden, Tensor cell, Weights weights, boolean reverse) {
        long width = check("lstm", 4, x, List.of(hidden, cell), weights);
        Tensor across = weights.hidden.transpose();
        return run(inputs(x, weights, true), List.of(hidden, cell), reverse, (states, given) -> {
            Tensor recurrent = states.get(0).matmul(across);
            Tensor input = gate(given, recurrent, 0, width).sigmoid();
            Tensor forget = gate(given, recurrent, 1, width).sigmoid();
            Tensor candidate = gate(given, recurrent, 2, width).tanh();
            Tensor output = gate(given, recurrent, 3, width).sigmoid();
            Tensor kept = forget.mul(states.get(1)).add(input.mul(candidate));
            return List.of(output.mul(kept.tanh()), kept);
        });
    }

    /**
     * Gated recurrent unit (Cho et al., 2014), as PyTorch has it. With the inputs' share a and the state's b, each
     * split into r, z, n: {@code n' = tanh(a_n + sigmoid(a_r + b_r) b_n)}, {@code h' = n' + sigmoid(a_z + b_z) (h -
     * n')}.
     */
    public static Scan.Results gru(Tensor x, Tensor hidden, Weights weights, boolean reverse) {
        long width = check("gru", 3, x, List.of(hidden), weights);
        Tensor across = weights.hidden.transpose();
        return run(inputs(x, weights, false), List.of(hidden), reverse, (states, given) -> {
            Tensor state = states.getFirst();
            Tensor product = state.matmul(across);
            Tensor recurrent = weights.hiddenBias == null ? product : product.add(weights.hiddenBias);
            Tensor reset = gate(given, recurrent, 0, width).sigmoid();
            Tensor update = gate(given, recurrent, 1, width).sigmoid();
            Tensor candidate = part(given, 2, width).add(reset.mul(part(recurrent, 2, width))).tanh();
            return List.of(candidate.add(update.mul(state.sub(candidate))));
        });
    }

    /**
     * The simple recurrent network (Elman, 1990): {@code h' = tanh(z)}, or relu, z the inputs' and the state's share.
     */
    public static Scan.Results rnn(Tensor x, Tensor hidden, Weights weights, Nonlinearity nonlinearity,
        boolean reverse) {
        check("rnn", 1, x, List.of(hidden), weights);
        Tensor across = weights.hidden.transpose();
        return run(inputs(x, weights, true), List.of(hidden), reverse, (states, given) -> {
            Tensor sum = given.add(states.getFirst().matmul(across));
            return List.of(switch (nonlinearity) {
                case TANH -> sum.tanh();
                case RELU -> sum.relu();
            });
        });
    }

    @FunctionalInterface
    private interface Cell {
        List<Tensor> next(List<Tensor> states, Tensor given);
    }

    private static Scan.Results run(Tensor given, List<Tensor> states, boolean reverse, Cell cell) {
        Scan scan = Scan.of((carries, slices) -> {
            List<Tensor> next = cell.next(carries, slices.getFirst());
            return Scan.results(next, List.of(next.getFirst()));
        });
        return (reverse ? scan.reversed() : scan).run(states, List.of(given));
    }

    /** (time, batch, gates width) */
    private static Tensor inputs(Tensor x, Weights weights, boolean bothBiases) {
        Tensor product = x.matmul(weights.input.transpose());
        if (weights.inputBias == null) {
            return product;
        }
        return product.add(bothBiases ? weights.inputBias.add(weights.hiddenBias) : weights.inputBias);
    }

    private static Tensor gate(Tensor given, Tensor recurrent, int index, long width) {
        return part(given, index, width).add(part(recurrent, index, width));
    }

    private static Tensor part(Tensor gates, int index, long width) {
        return gates.slice(1, index * width, (index + 1) * width);
    }

    /** The width of the states, where everything fits. */
    private static long check(String op, int gates, Tensor x, List<Tensor> states, Weights weights) {
        if (x.shape().rank() != 3) {
            throw new IllegalArgumentException(op + ": x must be (time, batch, in) but is " + x.type());
        }
        Shape square = weights.hidden.shape();
        if (square.rank() != 2 || square.extent(0) != gates * square.extent(1)) {
            throw new IllegalArgumentException(op + ": the state's weights must be (" + times(gates)
                + "width, width) but are " + square);
        }
        long width = square.extent(1);
        require(op, "the inputs' weights", weights.input, gates * width, x.shape().extent(2));
        for (int i = 0; i < states.size(); i++) {
            require(op, i == 0 ? "the hidden state" : "the cell state", states.get(i), x.shape().extent(1), width);
        }
        if ((weights.inputBias == null) != (weights.hiddenBias == null)) {
            throw new IllegalArgumentException(op + ": there must be both biases or none");
        }
        if (weights.inputBias != null) {
            require(op, "the inputs' bias", weights.inputBias, gates * width);
            require(op, "the state's bias", weights.hiddenBias, gates * width);
        }
        List<Tensor> all = new ArrayList<>(List.of(weights.input, weights.hidden));
        all.addAll(states);
        if (weights.inputBias != null) {
            all.addAll(List.of(weights.inputBias, weights.hiddenBias));
        }
        for (Tensor tensor : all) {
            if (tensor.dtype() != x.dtype()) {
                throw new IllegalArgumentException(op + ": x is " + x.type() + " but one of the weights and states is "
                    + tensor.type() + ": cast one");
            }
        }
        return width;
    }

    private static String times(int gates) {
        return gates == 1 ? "" : gates + " ";
    }

    private static void require(String op, String what, Tensor tensor, long... extents) {
        if (!tensor.shape().equals(Shape.of(extents))) {
            throw new IllegalArgumentException(op + ": " + what + " must be " + Shape.of(extents) + " but "
                + (what.endsWith("weights") ? "are " : "is ") + tensor.shape());
        }
    }
}
