package org.adjoint.optim;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.adjoint.Tensor;
import org.adjoint.Variable;

/**
 * Exponential moving averages of weights, which often do better than the weights themselves (Polyak and Juditsky,
 * 1992): {@code average = decay average + (1 - decay) weight} at each update, from the weights as they are at first.
 * 16-bit weights are averaged in {@code F32}.
 *
 * <pre>{@code
 * var average = MovingAverage.of(net.parameters(), 0.999);
 * var step = Step.compile(device, (x, y) -> {
 *     var loss = net.forward(x).crossEntropy(y);
 *     adam.minimize(loss);
 *     average.update();
 *     return loss;
 * });
 * try (var averaged = average.use()) {
 *     evaluate(net);
 * }
 * }</pre>
 */
public final class MovingAverage {
    private final List<Variable> weights;
    private final List<Variable> averages = new ArrayList<>();
    private final double decay;

    private MovingAverage(List<Variable> weights, double decay) {
        this.weights = List.copyOf(weights);
        this.decay = decay;
        for (Variable weight : weights) {
            averages.add(weight.device().variable("average." + weight.name(),
                weight.tensor().to(weight.dtype().computeType())));
        }
    }

    /** @param decay how slowly the averages change, in [0, 1) */
    public static MovingAverage of(List<Variable> weights, double decay) {
        if (weights.isEmpty()) {
            throw new IllegalArgumentException("MovingAverage: there are no weights");
        }
        if (!(decay >= 0 && decay < 1)) {
            throw new IllegalArgumentException("MovingAverage: the decay must be in [0, 1) but is " + decay);
        }
        return new MovingAverage(weights, decay);
    }

    /** Takes the present weights in: at once in eager code; in a traced function, whenever the step runs. */
    public void update() {
        List<Tensor> values = new ArrayList<>();
        for (int i = 0; i < weights.size(); i++) {
            Tensor average = averages.get(i).tensor();
            values.add(average.mul(decay).add(weights.get(i).tensor().to(average.dtype()).mul(1 - decay)));
        }
        Variable.assign(averages, values);
    }

    /** Weights that are averages until this is closed. */
    public interface Use extends AutoCloseable {
        /** Brings the weights back. Idempotent. */
        @Override
        void close();
    }

    /** Puts the averages in the weights' place. Updates have to wait until the weights are back. */
    public Use use() {
        List<Tensor> kept = weights.stream().map(weight -> weight.tensor().realize()).toList();
        List<Tensor> averaged = new ArrayList<>();
        for (int i = 0; i < weights.size(); i++) {
            averaged.add(averages.get(i).tensor().to(weights.get(i).dtype()));
        }
        Variable.assign(weights, averaged);
        return new Use() {
            private boolean closed;

            @Override
            public void close() {
                if (!closed) {
                    closed = true;
                    Variable.assign(weights, kept);
                }
            }
        };
    }

    /** The averages by name, for checkpoints: the weights' names behind {@code "average."}. */
    public Map<String, Variable> state() {
        Map<String, Variable> state = new LinkedHashMap<>();
        averages.forEach(average -> state.put(average.name(), average));
        return state;
    }
}
