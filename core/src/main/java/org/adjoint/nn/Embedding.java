package org.adjoint.nn;

import java.util.OptionalLong;
import org.adjoint.Tensor;
import org.adjoint.graph.Shape;

/**
 * A table of vectors: for indices {@code (...)}, {@code I32} or {@code I64} in [0, count), their rows
 * {@code (..., width)}. Parameter: {@code weight (count, width)}, standard normal unless told.
 * {@linkplain #withPadding With padding}, one row stands for tokens that are none: it starts as zeros and gets no
 * gradient, as with PyTorch's {@code padding_idx}.
 */
public final class Embedding extends Module<Embedding> implements Layer {
    private final long count;
    private final long width;
    private final OptionalLong padding;
    private final Parameter weight;

    private Embedding(long count, long width, OptionalLong padding, Initializer initializer) {
        if (count < 1 || width < 1) {
            throw new IllegalArgumentException("Embedding(" + count + ", " + width + "): both must be positive");
        }
        this.count = count;
        this.width = width;
        this.padding = padding;
        this.weight = parameter("weight", Shape.of(count, width), initializer);
    }

    public static Embedding of(long count, long width) {
        return of(count, width, Initializer.normal(0, 1));
    }

    public static Embedding of(long count, long width, Initializer initializer) {
        return new Embedding(count, width, OptionalLong.empty(), initializer);
    }

    /** @param index of the row that stands for padding, in [0, count) */
    public static Embedding withPadding(long count, long width, long index) {
        if (index < 0 || index >= count) {
            throw new IllegalArgumentException(
                "Embedding(" + count + ", " + width + "): the index of padding must be in [0, " + count + ") but is "
                    + index);
        }
        Initializer normal = Initializer.normal(0, 1);
        return new Embedding(count, width, OptionalLong.of(index), (shape, random, element) ->
            element / width == index ? 0 : normal.value(shape, random, element));
    }

    @Override
    public Tensor forward(Tensor indices) {
        Tensor rows = weight.tensor().embedding(indices);
        if (padding.isEmpty()) {
            return rows;
        }
        return indices.equal(padding.getAsLong()).unsqueeze(-1).where(rows.stopGradient(), rows);
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
