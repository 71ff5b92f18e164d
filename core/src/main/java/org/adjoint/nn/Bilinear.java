package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Shape;

/**
 * {@code y_o = a weight_o b + bias_o} for a {@code (..., left)} and b {@code (..., right)} of the same leading axes:
 * {@code (..., out)}. Parameters: {@code weight (out, left, right)} and {@code bias (out)}, which start uniform in
 * {@code [-1, 1) / sqrt(left)}, as in PyTorch.
 */
public final class Bilinear extends Module<Bilinear> {
    private final long left;
    private final long right;
    private final long out;
    private final Parameter weight;
    private final Parameter bias;

    private Bilinear(long left, long right, long out) {
        if (left < 1 || right < 1 || out < 1) {
            throw new IllegalArgumentException(
                "Bilinear(" + left + ", " + right + ", " + out + "): all widths must be positive");
        }
        this.left = left;
        this.right = right;
        this.out = out;
        this.weight = parameter("weight", Shape.of(out, left, right), Initializer.fanInUniform(left));
        this.bias = parameter("bias", Shape.of(out), Initializer.fanInUniform(left));
    }

    public static Bilinear of(long left, long right, long out) {
        return new Bilinear(left, right, out);
    }

    public Tensor forward(Tensor a, Tensor b) {
        requireWidth(a, left);
        requireWidth(b, right);
        Shape lead = a.shape().without(a.shape().rank() - 1);
        if (!lead.equals(b.shape().without(b.shape().rank() - 1))) {
            throw new IllegalArgumentException(
                this + ": inputs " + a.shape() + " and " + b.shape() + " must agree but for the last axis");
        }
        long rows = lead.elements();
        // (rows, left) (left, out right) -> (rows, out, right), times b in each row
        Tensor half = a.reshape(rows, left).matmul(weight.tensor().permute(1, 0, 2).reshape(left, out * right));
        Tensor products = half.reshape(rows, out, right).matmul(b.reshape(rows, right, 1)).reshape(rows, out);
        long[] extents = a.shape().toArray();
        extents[extents.length - 1] = out;
        return products.add(bias.tensor()).reshape(extents);
    }

    @Override
    public String toString() {
        return "Bilinear(" + left + ", " + right + ", " + out + ")";
    }
}
