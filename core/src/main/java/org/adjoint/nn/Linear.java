package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Shape;

/**
 * {@code y = x weight^T + bias} for x {@code (..., in)}: {@code (..., out)}. Parameters: {@code weight (out, in)}, as
 * PyTorch lays it out, and {@code bias (out)}; both start uniform in {@code [-1, 1) / sqrt(in)}, as in PyTorch.
 */
public final class Linear extends Module<Linear> implements Layer {
    private final long in;
    private final long out;
    private final Parameter weight;
    private final Parameter bias;

    private Linear(long in, long out, Initializer weight, Initializer bias) {
        if (in < 1 || out < 1) {
            throw new IllegalArgumentException("Linear(" + in + ", " + out + "): both widths must be positive");
        }
        this.in = in;
        this.out = out;
        this.weight = parameter("weight", Shape.of(out, in), weight);
        this.bias = bias == null ? null : parameter("bias", Shape.of(out), bias);
    }

    public static Linear of(long in, long out) {
        return of(in, out, Initializer.fanInUniform(in), Initializer.fanInUniform(in));
    }

    public static Linear of(long in, long out, Initializer weight, Initializer bias) {
        return new Linear(in, out, weight, bias);
    }

    public static Linear withoutBias(long in, long out) {
        return withoutBias(in, out, Initializer.fanInUniform(in));
    }

    public static Linear withoutBias(long in, long out, Initializer weight) {
        return new Linear(in, out, weight, null);
    }

    @Override
    public Tensor forward(Tensor x) {
        requireWidth(x, in);
        Tensor product = x.matmul(weight.tensor().transpose());
        return bias == null ? product : product.add(bias.tensor());
    }

    @Override
    public String toString() {
        return "Linear(" + in + ", " + out + ")";
    }
}
