package org.adjoint.nn;

import java.util.Arrays;
import org.adjoint.Tensor;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.Shape;

/**
 * What convolutions of 1 to 3 spatial axes have in common. Parameters: {@code weight}, as PyTorch lays it out, and
 * {@code bias (out)}; both start uniform in {@code [-1, 1) / sqrt(fanIn)}, which is what PyTorch's {@code
 * kaiming_uniform_} with {@code a = sqrt(5)} comes to. The fan-in is the number of elements behind the weight's first
 * axis.
 *
 * @param <M> the layer's own class
 */
abstract sealed class ConvolutionLayer<M extends ConvolutionLayer<M>> extends Module<M> implements Layer
    permits Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d {
    private final long in;
    private final long out;
    private final Shape kernel;
    private final Convolution settings;
    private final Parameter weight;
    private final Parameter bias;

    /** @param transposed whether the weight is {@code (in, out / groups, kernel...)}, not the other way round */
    ConvolutionLayer(boolean transposed, long in, long out, Shape kernel, Convolution settings, boolean biased) {
        long groups = settings.groups();
        if (in < 1 || out < 1 || kernel.isEmpty() || groups < 1 || in % groups != 0 || out % groups != 0) {
            throw new IllegalArgumentException(getClass().getSimpleName() + "(" + in + ", " + out + ", " + kernel
                + "): channels and kernel must be positive, and the " + groups + " groups divide both channels");
        }
        this.in = in;
        this.out = out;
        this.kernel = kernel;
        this.settings = settings;
        long[] extents = new long[kernel.rank() + 2];
        extents[0] = transposed ? in : out;
        extents[1] = (transposed ? out : in) / groups;
        System.arraycopy(kernel.toArray(), 0, extents, 2, kernel.rank());
        Shape shape = Shape.of(extents);
        Initializer initializer = Initializer.fanInUniform(shape.without(0).elements());
        this.weight = parameter("weight", shape, initializer);
        this.bias = biased ? parameter("bias", Shape.of(out), initializer) : null;
    }

    /** A kernel of one extent along all axes. */
    static Shape cube(int axes, long extent) {
        long[] extents = new long[axes];
        Arrays.fill(extents, extent);
        return Shape.of(extents);
    }

    static Shape requireAxes(String layer, int axes, Shape kernel) {
        if (kernel.rank() != axes) {
            throw new IllegalArgumentException(
                layer + ": the kernel must have " + axes + " extents but is " + kernel);
        }
        return kernel;
    }

    abstract Tensor apply(Tensor x, Tensor weight, Tensor bias, Convolution settings);

    @Override
    public Tensor forward(Tensor x) {
        return apply(x, weight.tensor(), bias == null ? null : bias.tensor(), settings);
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + "(" + in + ", " + out + ", " + kernel + ")";
    }
}
