package org.adjoint.nn;

import org.adjoint.Tensor;

/** All axes from {@code startAxis} on as one. */
public record Flatten(int startAxis) implements Layer {
    /** All but the batch. */
    public static Flatten of() {
        return new Flatten(1);
    }

    @Override
    public Tensor forward(Tensor x) {
        int axis = x.shape().axis("Flatten", startAxis);
        long[] extents = new long[axis + 1];
        long last = 1;
        for (int i = 0; i < x.shape().rank(); i++) {
            if (i < axis) {
                extents[i] = x.shape().extent(i);
            } else {
                last *= x.shape().extent(i);
            }
        }
        extents[axis] = last;
        return x.reshape(extents);
    }
}
