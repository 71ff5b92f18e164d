package org.adjoint.bench.suite;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Scope;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/** An operation as a user gets it: a compiled step whose results are new memory each time. */
final class AdjointOperation implements Contender {
    private static final double EPSILON = 1e-5;
    private static final Convolution SAME = Convolution.DEFAULT.padding(1);

    private final Device device;
    private final List<Tensor> arguments = new ArrayList<>();
    private final Step step;
    private final Tensor marker;

    AdjointOperation(OperationCase work, Device device) {
        this.device = device;
        addArguments(work);
        int operands = arguments.size();
        boolean isLoss = work.operation() == Operation.CROSS_ENTROPY;
        if (work.gradient() && !isLoss) {
            Shape result = apply(work.operation(), arguments).shape();
            arguments.add(normal(result.toArray()));
        }
        marker = device.tensor(new float[1]).realize();
        step = Step.compileAll(device, inputs -> {
            List<Tensor> given = inputs.subList(0, operands);
            Tensor result = apply(work.operation(), given);
            if (!work.gradient()) {
                return List.of(result);
            }
            List<Tensor> sources = given.stream().filter(input -> input.dtype().isFloating()).toList();
            List<Tensor> results = new ArrayList<>(List.of(result));
            results.addAll(isLoss ? result.gradients(sources) : result.pullback(inputs.getLast(), sources));
            return results;
        });
    }

    private Tensor normal(long... shape) {
        return device.random().normal(DType.F32, shape).realize();
    }

    private void addArguments(OperationCase work) {
        int n = work.extent(0);
        switch (work.operation()) {
            case ADD, CHAIN -> arguments.addAll(List.of(normal(n), normal(n)));
            case EXP, GELU, SUM -> arguments.add(normal(n));
            case SUM_ROWS, SUM_COLUMNS, ARGMAX_ROWS, SOFTMAX, LOG_SOFTMAX -> arguments.add(normal(n, work.extent(1)));
            case LAYER_NORM -> arguments.addAll(List.of(normal(n, work.extent(1)), normal(work.extent(1)),
                normal(work.extent(1))));
            case CROSS_ENTROPY -> arguments.addAll(List.of(normal(n, work.extent(1)),
                device.tensor(new Random(1).longs(n, 0, work.extent(1)).toArray(), n)));
            case ATTENTION -> {
                for (int i = 0; i < 3; i++) {
                    arguments.add(normal(n, work.extent(1), work.extent(2), work.extent(3)));
                }
            }
            case CONV2D -> arguments.addAll(List.of(normal(n, work.extent(1), work.extent(2), work.extent(3)),
                normal(work.extent(4), work.extent(1), 3, 3), normal(work.extent(4))));
            case DEPTHWISE -> arguments.addAll(List.of(normal(n, work.extent(1), work.extent(2), work.extent(3)),
                normal(work.extent(1), 1, 3, 3), normal(work.extent(1))));
        }
    }

    private static Tensor apply(Operation operation, List<Tensor> x) {
        Tensor first = x.getFirst();
        return switch (operation) {
            case ADD -> first.add(x.get(1));
            case EXP -> first.exp();
            case GELU -> first.gelu();
            case CHAIN -> first.mul(x.get(1)).add(0.5).maximum(0).mul(first);
            case SUM -> first.sum();
            case SUM_ROWS -> first.sum(1);
            case SUM_COLUMNS -> first.sum(0);
            case ARGMAX_ROWS -> first.argmax(1);
            case SOFTMAX -> first.softmax(1);
            case LOG_SOFTMAX -> first.logSoftmax(1);
            case LAYER_NORM -> first.layerNorm(x.get(1), x.get(2), EPSILON);
            case CROSS_ENTROPY -> first.crossEntropy(x.get(1));
            case ATTENTION -> first.attention(x.get(1), x.get(2), true);
            case CONV2D -> first.conv2d(x.get(1), x.get(2), SAME);
            case DEPTHWISE -> first.conv2d(x.get(1), x.get(2), SAME.groups(first.shape().extent(1)));
        };
    }

    @Override
    public void run() {
        try (Scope scope = device.scope()) {
            step.runAll(arguments);
            // Reading anything waits for what was enqueued before; on the CPU all is done already.
            marker.item();
        }
    }

    @Override
    public void close() {
        step.close();
        device.close();
    }
}
