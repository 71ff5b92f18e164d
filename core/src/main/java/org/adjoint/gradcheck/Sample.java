package org.adjoint.gradcheck;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Functions;
import org.adjoint.Scope;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/**
 * A function at a point: its values nearby and its analytic gradient, in {@code F64}. Each evaluation starts from the
 * same random state and frees what it made.
 */
final class Sample {
    private final TensorFunction function;
    private final Device device;
    private final Tensor[] inputs;
    /** The values of floating inputs, null for the others, which stay as they are. */
    private final double[][] point;
    private final long[] randomState;
    private final double[] center;
    private final boolean drawsRandomNumbers;

    Sample(TensorFunction function, Tensor... inputs) {
        this.function = function;
        this.device = inputs[0].device();
        this.inputs = new Tensor[inputs.length];
        this.point = new double[inputs.length][];
        for (int i = 0; i < inputs.length; i++) {
            boolean floating = inputs[i].dtype().isFloating();
            this.inputs[i] = floating ? inputs[i].to(DType.F64).realize() : inputs[i].realize();
            this.point[i] = floating ? inputs[i].toDoubleArray() : null;
        }
        this.randomState = presentRandomState();
        this.center = value(0, new double[inputs.length][]);
        // Restoring the state costs as much as evaluating a small function, and most draw nothing.
        this.drawsRandomNumbers = !Arrays.equals(randomState, presentRandomState());
    }

    /** The value at the point, row-major. */
    double[] center() {
        return center;
    }

    /** The elements of a floating input, or null. */
    double[] point(int input) {
        return point[input];
    }

    Shape shape(int input) {
        return inputs[input].shape();
    }

    /** The value, row-major, at the point plus {@code t} times a direction that has null for inputs it leaves alone. */
    double[] value(double t, double[][] direction) {
        try (Scope scope = device.scope()) {
            restoreRandomState();
            Tensor[] moved = inputs.clone();
            for (int i = 0; i < moved.length; i++) {
                if (direction[i] != null) {
                    double[] shifted = point[i].clone();
                    for (int k = 0; k < shifted.length; k++) {
                        shifted[k] += t * direction[i][k];
                    }
                    moved[i] = device.tensor(shifted, inputs[i].shape());
                }
            }
            return function.apply(moved).toDoubleArray();
        }
    }

    /** Gradients of the function contracted with a cotangent, null for inputs that are not floating. */
    double[][] gradient(double[] cotangent) {
        try (Scope scope = device.scope()) {
            restoreRandomState();
            List<Tensor> sources = new ArrayList<>();
            for (int i = 0; i < inputs.length; i++) {
                if (point[i] != null) {
                    sources.add(inputs[i]);
                }
            }
            Tensor result = function.apply(inputs.clone());
            Tensor seed = device.tensor(cotangent, result.shape()).to(result.dtype());
            List<Tensor> found = result.pullback(seed, sources);
            double[][] gradients = new double[inputs.length][];
            int next = 0;
            for (int i = 0; i < inputs.length; i++) {
                if (point[i] != null) {
                    gradients[i] = found.get(next++).toDoubleArray();
                }
            }
            return gradients;
        }
    }

    /** As {@link #gradient}, put together from derivatives along each element of the inputs. */
    double[][] forwardGradient(double[] cotangent) {
        double[][] gradients = new double[inputs.length][];
        for (int i = 0; i < inputs.length; i++) {
            if (point[i] == null) {
                continue;
            }
            try (Scope scope = device.scope()) {
                restoreRandomState();
                int input = i;
                Tensor jacobian = Functions.forwardJacobian(x -> {
                    Tensor[] arguments = inputs.clone();
                    arguments[input] = x;
                    return function.apply(arguments);
                }, inputs[i]);
                Tensor rows = jacobian.to(DType.F64).reshape(cotangent.length, point[i].length);
                gradients[i] = device.tensor(cotangent, cotangent.length).matmul(rows).toDoubleArray();
            }
        }
        return gradients;
    }

    /** Fixed numbers of either sign, none of them near 0, so that no output's part is lost or cancels by design. */
    static double[] cotangent(int length) {
        Random random = new Random(length);
        double[] cotangent = new double[length];
        for (int i = 0; i < length; i++) {
            double magnitude = 0.5 + random.nextDouble();
            cotangent[i] = random.nextBoolean() ? magnitude : -magnitude;
        }
        return cotangent;
    }

    private long[] presentRandomState() {
        return device.random().state().tensor().toLongArray();
    }

    private void restoreRandomState() {
        if (drawsRandomNumbers) {
            device.random().state().assign(device.tensor(randomState));
        }
    }

    /**
     * The function's gradient as a function: all gradients of the function contracted with {@link #cotangent}, end to
     * end.
     */
    static TensorFunction derivative(TensorFunction function) {
        return inputs -> {
            Tensor result = function.apply(inputs);
            Tensor seed = result.device().tensor(cotangent((int) result.shape().elements()), result.shape());
            List<Tensor> sources = new ArrayList<>();
            for (Tensor input : inputs) {
                if (input.dtype().isFloating()) {
                    sources.add(input);
                }
            }
            return Tensor.concat(0, result.pullback(seed.to(result.dtype()), sources).stream()
                .map(gradient -> gradient.reshape(gradient.shape().elements())).toList());
        };
    }
}
