package org.adjoint.graph;

/** What is known of a tensor before it is computed. */
public record TensorType(DType dtype, Shape shape) {
    /**
     * Size of a contiguous tensor of this type in bytes.
     *
     * @throws IllegalArgumentException beyond 2^62 bytes
     */
    public long bytes() {
        if (shape.elements() > (1L << 62) / dtype.bytes()) {
            throw new IllegalArgumentException(this + " takes more than 2^62 bytes");
        }
        return shape.elements() * dtype.bytes();
    }

    /** {@code f32(2, 3)}. */
    @Override
    public String toString() {
        return dtype.text() + shape;
    }
}
