package org.adjoint.cpu;

import java.util.Map;
import java.util.SplittableRandom;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.model.GPT;
import org.adjoint.optim.AdamW;

/** Trains a tiny GPT with dropout and reduces all its bits to one number; a program of its own, for other JVM flags. */
final class TrainingHash {
    private static final int BATCH = 3;
    private static final int TIME = 13;
    private static final int VOCABULARY = 29;

    private TrainingHash() { }

    /** Hash of all parameters after training, losses mixed in. */
    static long train(String threads, String vectorBits, int steps) {
        try (Device device = Device.open("cpu", Map.of("threads", threads, "vectorBits", vectorBits))) {
            device.random().seed(5);
            var config = new GPT.Config(VOCABULARY, TIME, 2, 2, 20).withDropout(0.1).withDType(DType.F32);
            var model = GPT.of(config).initialize(device, 7);
            var optimizer = AdamW.of(model.parameters()).learningRate(1e-2);
            Step step = Step.compile(device, (tokens, targets) -> {
                Tensor loss = model.loss(tokens, targets);
                optimizer.minimize(loss);
                return loss;
            });
            SplittableRandom random = new SplittableRandom(11);
            long hash = 17;
            for (int i = 0; i < steps; i++) {
                try (var scope = device.scope()) {
                    Tensor tokens = device.tensor(random.ints(BATCH * TIME, 0, VOCABULARY).toArray(), BATCH, TIME);
                    Tensor targets = device.tensor(random.ints(BATCH * TIME, 0, VOCABULARY).toArray(), BATCH, TIME);
                    hash = mix(hash, step.run(tokens, targets));
                }
            }
            for (Variable parameter : model.parameters()) {
                hash = mix(hash, parameter.tensor());
            }
            return hash;
        }
    }

    private static long mix(long hash, Tensor tensor) {
        long result = hash;
        for (float value : tensor.toFloatArray()) {
            result = result * 1_000_003 + Float.floatToIntBits(value);
        }
        return result;
    }

    public static void main(String[] arguments) {
        System.out.println(train(arguments[0], arguments[1], Integer.parseInt(arguments[2])));
    }
}
