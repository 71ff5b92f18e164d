package org.adjoint.graph;

/** What is known of a tensor before it is computed. */
public record TensorType(DType dtype, Shape shape) {
    /** Size of a contiguous tensor of this type in bytes. */
    public long bytes() {
        return Math.multiplyExact(shape.elements(), (long) dtype.bytes());
    }

    /** {@code f32(2, 3)}. */
    @Override
    public String toString() {
        return dtype.text() + shape;
    }
}
