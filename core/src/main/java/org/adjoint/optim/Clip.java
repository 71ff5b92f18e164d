package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;

/** Limits on gradients, against steps that are too long. */
public final class Clip {
    /** Added to the norm before dividing by it, as PyTorch does. */
    private static final double EPSILON = 1e-6;

    private Clip() { }

    /** The Euclidean norm of all elements of all gradients together, a scalar, {@code F64} if a gradient is. */
    public static Tensor globalNorm(List<Tensor> gradients) {
        if (gradients.isEmpty()) {
            throw new IllegalArgumentException("globalNorm: there are no gradients");
        }
        return gradients.stream().map(gradient -> gradient.to(gradient.dtype().computeType()).square().sum())
            .reduce(Tensor::add).orElseThrow().sqrt();
    }

    /** The gradients, scaled by one factor so that their global norm is at most {@code limit}. */
    public static List<Tensor> byGlobalNorm(List<Tensor> gradients, double limit) {
        requirePositive("byGlobalNorm", limit);
        Tensor scale = globalNorm(gradients).add(EPSILON).reciprocal().mul(limit).minimum(1);
        return gradients.stream().map(gradient -> {
            DType dtype = gradient.dtype().computeType();
            return gradient.to(dtype).mul(scale.to(dtype));
        }).toList();
    }

    /** The gradients with each element limited to [-limit, limit]. */
    public static List<Tensor> byValue(List<Tensor> gradients, double limit) {
        requirePositive("byValue", limit);
        return gradients.stream().map(gradient -> gradient.clamp(-limit, limit)).toList();
    }

    private static void requirePositive(String method, double limit) {
        if (!(limit > 0)) {
            throw new IllegalArgumentException(method + ": the limit must be positive but is " + limit);
        }
    }
}
