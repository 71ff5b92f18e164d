package org.adjoint.nn;

import java.util.List;
import org.adjoint.BatchNormalized;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/**
 * Normalizes each channel of x {@code (n, channels, ...)}, of any number of axes, then scales and shifts it (Ioffe and
 * Szegedy, "Batch normalization", 2015), as PyTorch's {@code BatchNorm1d}, {@code BatchNorm2d} and {@code BatchNorm3d}:
 * in training mode over the batch, in evaluation mode by running statistics, which each forward pass in training mode
 * moves by {@code momentum} towards the batch's mean and unbiased variance.
 *
 * <p>Parameters: {@code weight (channels)}, ones, and {@code bias (channels)}, zeros. Buffers: {@code running_mean
 * (channels)}, zeros, and {@code running_var (channels)}, ones.
 */
public final class BatchNorm extends Module<BatchNorm> implements Layer {
    private final long channels;
    private final double epsilon;
    private final double momentum;
    private final Parameter weight;
    private final Parameter bias;
    private final Parameter mean;
    private final Parameter variance;

    private BatchNorm(long channels, double epsilon, double momentum, boolean affine) {
        if (channels < 1) {
            throw new IllegalArgumentException("BatchNorm(" + channels + "): the number of channels must be positive");
        }
        if (!(momentum >= 0 && momentum <= 1)) {
            throw new IllegalArgumentException("BatchNorm: the momentum must be in [0, 1] but is " + momentum);
        }
        this.channels = channels;
        this.epsilon = epsilon;
        this.momentum = momentum;
        Shape shape = Shape.of(channels);
        this.weight = affine ? parameter("weight", shape, Initializer.ONES) : null;
        this.bias = affine ? parameter("bias", shape, Initializer.ZEROS) : null;
        this.mean = buffer("running_mean", shape, Initializer.ZEROS);
        this.variance = buffer("running_var", shape, Initializer.ONES);
    }

    /** With epsilon 1e-5 and momentum 0.1. */
    public static BatchNorm of(long channels) {
        return of(channels, 1e-5, 0.1);
    }

    /**
     * @param epsilon added to the variance
     * @param momentum the weight of a batch in the running statistics, in [0, 1]
     */
    public static BatchNorm of(long channels, double epsilon, double momentum) {
        return new BatchNorm(channels, epsilon, momentum, true);
    }

    /** Without scale and shift. */
    public static BatchNorm withoutAffine(long channels) {
        return new BatchNorm(channels, 1e-5, 0.1, false);
    }

    @Override
    public Tensor forward(Tensor x) {
        if (x.shape().rank() < 2 || x.shape().extent(1) != channels) {
            throw new IllegalArgumentException(
                this + ": its input must be (n, " + channels + ", ...) but is " + x.shape());
        }
        Tensor scale = weight == null ? null : weight.tensor();
        Tensor shift = bias == null ? null : bias.tensor();
        if (!isTraining()) {
            return x.batchNorm(mean.tensor(), variance.tensor(), scale, shift, epsilon);
        }
        BatchNormalized normalized = x.batchNorm(scale, shift, epsilon);
        double count = (double) x.shape().elements() / channels;
        Variable.assign(List.of(mean.variable(), variance.variable()),
            List.of(moved(mean.tensor(), normalized.mean(), 1),
                moved(variance.tensor(), normalized.variance(), count / (count - 1))));
        return normalized.output();
    }

    private Tensor moved(Tensor running, Tensor statistic, double factor) {
        DType dtype = running.dtype();
        return running.mul(1 - momentum).add(statistic.stopGradient().to(dtype).mul(momentum * factor));
    }

    @Override
    public String toString() {
        return "BatchNorm(" + channels + ")";
    }
}
