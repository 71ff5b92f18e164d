package org.adjoint;

import java.util.List;
import java.util.Objects;
import org.adjoint.graph.DType;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.graph.RandomOps;
import org.adjoint.graph.Shape;

/**
 * Counter-based random numbers (Philox4x32-10): a number depends on the seed, on how many draws (in a traced function:
 * runs) came before, on which draw of a run it is, and on its place in the tensor, so the same program gives the same
 * numbers on every device. The state is a variable {@code i64(2)} = (seed, run), saved in checkpoints.
 */
public final class RandomState {
    private final Device device;
    private Variable state;

    RandomState(Device device) {
        this.device = device;
    }

    /** Starts anew from {@code seed}. */
    public synchronized void seed(long seed) {
        device.requireNoTrace("seed");
        Tensor initial = device.tensor(new long[] {seed, 0});
        if (state == null) {
            Variable variable = device.variable("random", initial);
            variable.moveTo(device.root());
            state = variable;
        } else {
            state.assign(initial);
        }
        initial.close();
    }

    /** The state, {@code i64(2)}. A device starts with seed 0. */
    public synchronized Variable state() {
        if (state == null) {
            Trace trace = Trace.current();
            Trace.enter(null);
            try {
                seed(0);
            } finally {
                Trace.enter(trace);
            }
        }
        return state;
    }

    /** Uniform in [0, 1). */
    public Tensor uniform(DType dtype, long... shape) {
        return draw("uniform", (present, stream) -> RandomOps.uniform(dtype, Shape.of(shape), present, stream));
    }

    /** Mean 0, variance 1. */
    public Tensor normal(DType dtype, long... shape) {
        return draw("normal", (present, stream) -> RandomOps.normal(dtype, Shape.of(shape), present, stream));
    }

    /** True with probability {@code probability}. */
    public Tensor bernoulli(double probability, long... shape) {
        return draw("bernoulli",
            (present, stream) -> RandomOps.bernoulli(probability, Shape.of(shape), present, stream));
    }

    /** 32 random bits per element, {@code I32}. */
    public Tensor bits(long... shape) {
        return draw("bits", (present, stream) -> Ops.randomBits(Shape.of(shape), present, stream));
    }

    /**
     * Integers from {@code low} up to {@code high} exclusive, {@code I64}, one as probable as another (to 2^-32).
     *
     * @throws IllegalArgumentException unless these are 1 to 2^32 values
     */
    public Tensor integers(long low, long high, long... shape) {
        return draw("integers",
            (present, stream) -> RandomOps.integers(low, high, Shape.of(shape), present, stream));
    }

    /** The numbers from 0 up to {@code count} exclusive in a random order, {@code I64 (count)}. */
    public Tensor permutation(long count) {
        return draw("permutation", (present, stream) -> RandomOps.permutation(count, present, stream));
    }

    /**
     * Draws one index along the last axis, with probability {@code softmax(logits)}; for several from the same
     * logits, {@code expand} them. An index whose logit is -Infinity is never drawn where another is finite.
     *
     * @param logits floating, {@code (..., classes)}; logarithms of probabilities are logits
     * @return {@code I64 (...)}
     */
    public Tensor categorical(Tensor logits) {
        device.requireSame("categorical", Objects.requireNonNull(logits, "categorical: logits is null").device());
        return draw("categorical", (present, stream) -> logits.drawn("categorical",
            x -> RandomOps.categorical(x, present, stream)));
    }

    Tensor dropout(Tensor x, double probability) {
        return draw("dropout", (present, stream) -> x.drawn("dropout",
            node -> RandomOps.dropout(node, probability, present, stream)));
    }

    @FunctionalInterface
    private interface Drawing {
        Node draw(Node state, Node stream);
    }

    private Tensor draw(String op, Drawing drawing) {
        Variable variable = state();
        Trace trace = Trace.current();
        if (trace != null) {
            device.requireSame("random", trace.device());
            Node present = trace.read(variable);
            Node stream = trace.nextStream();
            return new Tensor(device, Words.of(op, () -> drawing.draw(present, stream)), trace);
        }
        synchronized (this) {
            Tensor present = variable.tensor();
            Node stream = Ops.constant(DType.I64, 0L);
            Node before = present.operand("random");
            Tensor drawn = new Tensor(device, Words.of(op, () -> drawing.draw(before, stream)), null);
            variable.assign(advanced(present));
            return drawn;
        }
    }

    /** (seed, run + 1). */
    private Tensor advanced(Tensor present) {
        return present.add(device.arange(DType.I64, 2));
    }

    /** After a trace that drew numbers: the next run draws others. */
    void advance(Trace trace) {
        if (trace.drewRandomNumbers()) {
            Variable.assign(List.of(state), List.of(advanced(state.tensor())));
        }
    }
}
