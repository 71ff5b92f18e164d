package org.adjoint.bench.verify;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Scope;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.model.GPT;
import org.adjoint.optim.AdamW;

/** A training step of GPT-2: tokens per second, and what enqueueing it costs the host. */
final class GptStep {
    /** The vocabulary is padded to a multiple of 128, for the tensor cores. */
    private static final int VOCABULARY = 50_304;

    /** What to train. */
    record Case(int batch, int context, DType dtype) {
        String key() {
            return "gpt2 124M step b" + batch + " t" + context + " " + dtype.text();
        }
    }

    static final List<Case> CASES = List.of(new Case(4, 1024, DType.BF16), new Case(32, 1024, DType.BF16),
        new Case(4, 1024, DType.F32));

    private GptStep() { }

    static Map<String, Object> measure(Device device, Case shape, SpeedPart.Stopwatch stopwatch) {
        try (Scope scope = device.scope()) {
            GPT model = GPT.of(new GPT.Config(VOCABULARY, shape.context, 12, 12, 768, 0, shape.dtype))
                .initialize(device, 1);
            AdamW optimizer = AdamW.of(model.parameters()).learningRate(1e-4).weightDecay(0.1);
            int count = shape.batch * shape.context;
            int[] text = new Random(1).ints(2L * count, 0, 50_257).toArray();
            Tensor tokens = device.tensor(Arrays.copyOf(text, count), shape.batch, shape.context);
            Tensor targets = device.tensor(Arrays.copyOfRange(text, count, text.length), shape.batch, shape.context);
            try (Step step = Step.compile(device, (input, target) -> {
                Tensor loss = model.loss(input, target);
                optimizer.minimize(loss);
                return loss;
            })) {
                double seconds = stopwatch.seconds(device, step, List.of(tokens, targets));
                double dispatch = Double.POSITIVE_INFINITY;
                for (int i = 0; i < 10; i++) {
                    dispatch = Math.min(dispatch, step.dryRunNanos(tokens, targets) / 1e9);
                }
                Map<String, Object> fields = new LinkedHashMap<>();
                fields.put("passed", true);
                fields.put("milliseconds", seconds * 1e3);
                fields.put("rate", count / seconds);
                fields.put("unit", "tokens/s");
                fields.put("peakBytes", step.memory().peakBytes());
                fields.put("hostMilliseconds", dispatch * 1e3);
                fields.put("hostFraction", dispatch / seconds);
                return fields;
            }
        }
    }
}
