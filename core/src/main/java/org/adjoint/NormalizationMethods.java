package org.adjoint;

import org.adjoint.graph.NormalizationOps;
import org.adjoint.graph.Node;

/**
 * Normalizations of a {@link Tensor}. Epsilon is added to a variance or a mean of squares; 16-bit tensors are computed
 * in {@code F32} and rounded once.
 */
public sealed interface NormalizationMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    /**
     * Normalizes the last axes to mean 0 and variance 1, then scales and shifts (Ba et al., 2016).
     *
     * @param gamma of the shape of the last axis, or of the last axes if it has several
     * @param beta of gamma's type
     */
    default Tensor layerNorm(Tensor gamma, Tensor beta, double epsilon) {
        return self().apply("layerNorm", x -> NormalizationOps.layerNorm(x.get(0), x.get(1), x.get(2), epsilon), gamma,
            beta);
    }

    /** As {@link #layerNorm(Tensor, Tensor, double)} without a shift. */
    default Tensor layerNorm(Tensor gamma, double epsilon) {
        return self().zip("layerNorm", gamma, (x, g) -> NormalizationOps.layerNorm(x, g, null, epsilon));
    }

    /** Normalizes the last {@code axes} axes, neither scaled nor shifted. */
    default Tensor layerNorm(int axes, double epsilon) {
        return self().map("layerNorm", x -> NormalizationOps.layerNorm(x, axes, epsilon));
    }

    /** Divides by the root mean square along the last axes, those of gamma's shape, then scales. */
    default Tensor rmsNorm(Tensor gamma, double epsilon) {
        return self().zip("rmsNorm", gamma, (x, g) -> NormalizationOps.rmsNorm(x, g, epsilon));
    }

    /** Divides by the root mean square along the last {@code axes} axes. */
    default Tensor rmsNorm(int axes, double epsilon) {
        return self().map("rmsNorm", x -> NormalizationOps.rmsNorm(x, axes, epsilon));
    }

    /**
     * Normalizes each channel of x {@code (n, channels, ...)} over the batch, as in training (Ioffe and Szegedy, 2015).
     *
     * @param gamma scales {@code (channels)}, or null
     * @param beta shifts {@code (channels)}, or null
     * @throws IllegalArgumentException if there is one value per channel
     */
    default BatchNormalized batchNorm(Tensor gamma, Tensor beta, double epsilon) {
        Node scale = gamma == null ? null : gamma.operand("batchNorm");
        Node shift = beta == null ? null : beta.operand("batchNorm");
        Node x = self().operand("batchNorm");
        Node[] results = Words.of("batchNorm", () -> NormalizationOps.batchNorm(x, scale, shift, epsilon));
        Tensor output = gamma == null ? self().result("batchNorm", results[0])
            : beta == null ? self().result("batchNorm", results[0], gamma)
            : self().result("batchNorm", results[0], gamma, beta);
        return new BatchNormalized(output, self().result("batchNorm", results[1]),
            self().result("batchNorm", results[2]));
    }

    /**
     * As {@link #batchNorm(Tensor, Tensor, double)} with statistics {@code (channels)} that are given, as in
     * inference.
     */
    default Tensor batchNorm(Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double epsilon) {
        return self().apply("batchNorm",
            x -> NormalizationOps.batchNorm(x.get(0), x.get(1), x.get(2), x.get(3), x.get(4), epsilon), mean, variance,
            gamma, beta);
    }

    /**
     * Normalizes each of {@code groups} groups of neighboring channels of each sample {@code (channels, ...)}.
     *
     * @param gamma scales {@code (channels)}, or null
     * @param beta shifts {@code (channels)}, or null
     */
    default Tensor groupNorm(int groups, Tensor gamma, Tensor beta, double epsilon) {
        return self().apply("groupNorm",
            x -> NormalizationOps.groupNorm(x.get(0), groups, x.get(1), x.get(2), epsilon), gamma, beta);
    }

    /**
     * Normalizes each channel of each sample {@code (channels, ...)}; gamma and beta {@code (channels)} may be null.
     */
    default Tensor instanceNorm(Tensor gamma, Tensor beta, double epsilon) {
        return self().apply("instanceNorm", x -> NormalizationOps.instanceNorm(x.get(0), x.get(1), x.get(2), epsilon),
            gamma, beta);
    }

    /** Divides each channel by a power of its neighbors' squares; see {@link NormalizationOps#localResponseNorm}. */
    default Tensor localResponseNorm(int size, double alpha, double beta, double k) {
        return self().map("localResponseNorm", x -> NormalizationOps.localResponseNorm(x, size, alpha, beta, k));
    }

    /** Divides by the p-norm along an axis, which counts as 1e-12 at least. */
    default Tensor normalize(double p, int axis) {
        return normalize(p, axis, 1e-12);
    }

    default Tensor normalize(double p, int axis, double epsilon) {
        return self().map("normalize", x -> NormalizationOps.normalize(x, p, axis, epsilon));
    }
}
