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
    private static final int VOCABULARY = 29;

    /** Sizes of a training. */
    record Size(int batch, int time, int width, int steps) {
        /** Small enough for the interpreter. */
        static Size tiny(int steps) {
            return new Size(3, 13, 20, steps);
        }

        /** Each elementwise group passes the million points from which on it is compiled several times over. */
        static final Size HOT = new Size(8, 64, 64, 150);
    }

    private TrainingHash() { }

    /** Hash of all parameters after training, losses mixed in. */
    static long train(String threads, String vectorBits, Size size) {
        try (Device device = Device.open("cpu", Map.of("threads", threads, "vectorBits", vectorBits))) {
            device.random().seed(5);
            var config = new GPT.Config(VOCABULARY, size.time, 2, 2, size.width).withDropout(0.1).withDType(DType.F32);
            var model = GPT.of(config).initialize(device, 7);
            var optimizer = AdamW.of(model.parameters()).learningRate(1e-3);
            Step step = Step.compile(device, (tokens, targets) -> {
                Tensor loss = model.loss(tokens, targets);
                optimizer.minimize(loss);
                return loss;
            });
            SplittableRandom random = new SplittableRandom(11);
            long hash = 17;
            for (int i = 0; i < size.steps; i++) {
                try (var scope = device.scope()) {
                    hash = mix(hash, step.run(draw(device, random, size), draw(device, random, size)));
                }
            }
            for (Variable parameter : model.parameters()) {
                hash = mix(hash, parameter.tensor());
            }
            return hash;
        }
    }

    private static Tensor draw(Device device, SplittableRandom random, Size size) {
        int[] tokens = random.ints((long) size.batch * size.time, 0, VOCABULARY).toArray();
        return device.tensor(tokens, size.batch, size.time);
    }

    private static long mix(long hash, Tensor tensor) {
        long result = hash;
        for (float value : tensor.toFloatArray()) {
            result = result * 1_000_003 + Float.floatToIntBits(value);
        }
        return result;
    }

    public static void main(String[] arguments) {
        System.out.println(train(arguments[0], arguments[1], Size.tiny(Integer.parseInt(arguments[2]))));
    }
}
