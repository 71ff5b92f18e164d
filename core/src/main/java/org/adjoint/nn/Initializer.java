package org.adjoint.nn;

import org.adjoint.graph.Shape;

/**
 * What a parameter starts as. Weights are {@code (out, in, ...)}: the fan-in is the second extent, the fan-out the
 * first, both times the extents that follow, as in PyTorch's {@code torch.nn.init}.
 */
@FunctionalInterface
public interface Initializer {
    Initializer ZEROS = constant(0);
    Initializer ONES = constant(1);

    /** The value of element {@code index}, in row-major order, of a parameter of {@code shape}. */
    double value(Shape shape, RandomNumbers random, long index);

    static Initializer constant(double value) {
        return (shape, random, index) -> value;
    }

    static Initializer normal(double mean, double standardDeviation) {
        return (shape, random, index) -> mean + standardDeviation * random.normal(index);
    }

    /** Uniform in [low, high). */
    static Initializer uniform(double low, double high) {
        return (shape, random, index) -> low + (high - low) * random.uniform(index);
    }

    /** Uniform with variance {@code 2 / (fanIn + fanOut)} (Glorot and Bengio, 2010). */
    static Initializer xavierUniform() {
        return (shape, random, index) -> {
            double bound = Math.sqrt(6.0 / (fanIn(shape) + fanOut(shape)));
            return uniform(-bound, bound).value(shape, random, index);
        };
    }

    /** Normal with variance {@code 2 / (fanIn + fanOut)} (Glorot and Bengio, 2010). */
    static Initializer xavierNormal() {
        return (shape, random, index) ->
            Math.sqrt(2.0 / (fanIn(shape) + fanOut(shape))) * random.normal(index);
    }

    /** Uniform with variance {@code 2 / fanIn}, for layers before a ReLU (He et al., 2015). */
    static Initializer kaimingUniform() {
        return (shape, random, index) -> {
            double bound = Math.sqrt(6.0 / fanIn(shape));
            return uniform(-bound, bound).value(shape, random, index);
        };
    }

    /** Normal with variance {@code 2 / fanIn}, for layers before a ReLU (He et al., 2015). */
    static Initializer kaimingNormal() {
        return (shape, random, index) -> Math.sqrt(2.0 / fanIn(shape)) * random.normal(index);
    }

    /** Uniform in {@code [-1, 1) / sqrt(fanIn)}: what PyTorch's linear layers start with, weights and biases. */
    static Initializer fanInUniform(long fanIn) {
        double bound = fanIn == 0 ? 0 : 1 / Math.sqrt(fanIn);
        return uniform(-bound, bound);
    }

    private static long fanIn(Shape shape) {
        requireMatrix(shape);
        return shape.without(0).elements();
    }

    private static long fanOut(Shape shape) {
        requireMatrix(shape);
        return shape.without(1).elements();
    }

    private static void requireMatrix(Shape shape) {
        if (shape.rank() < 2) {
            throw new IllegalArgumentException("initializer: a parameter " + shape + " has no fan-in and fan-out, only "
                + "weights of at least two axes do: use normal, uniform or constant");
        }
    }
}
