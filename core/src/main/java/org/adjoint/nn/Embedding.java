package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Shape;

/**
 * A table of vectors: for indices {@code (...)}, {@code I32} or {@code I64} in [0, count), their rows
 * {@code (..., width)}. Parameter: {@code weight (count, width)}, standard normal unless told.
 */
public final class Embedding extends Module<Embedding> implements Layer {
    private final long count;
    private final long width;
    private final Parameter weight;

    private Embedding(long count, long width, Initializer initializer) {
        if (count < 1 || width < 1) {
            throw new IllegalArgumentException("Embedding(" + count + ", " + width + "): both must be positive");
        }
        this.count = count;
        this.width = width;
        this.weight = parameter("weight", Shape.of(count, width), initializer);
    }

    public static Embedding of(long count, long width) {
        return of(count, width, Initializer.normal(0, 1));
    }

    public static Embedding of(long count, long width, Initializer initializer) {
        return new Embedding(count, width, initializer);
    }

    @Override
    public Tensor forward(Tensor indices) {
        return weight.tensor().embedding(indices);
    }

    /** The table, for models that use it a second time. */
    public Parameter weight() {
        return weight;
    }

    @Override
    public String toString() {
        return "Embedding(" + count + ", " + width + ")";
    }
}
