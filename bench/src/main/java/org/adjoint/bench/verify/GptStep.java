package org.adjoint.bench.verify;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
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

    private static final int HOST_RUNS = 30;

    private GptStep() { }

    /** A model and its step on a device. */
    private static final class Training implements AutoCloseable {
        final Step step;
        final List<Tensor> batch;
        private final Device device;
        private final Scope scope;

        Training(Device device, Case shape) {
            this.device = device;
            scope = device.scope();
            GPT model = GPT.of(new GPT.Config(VOCABULARY, shape.context, 12, 12, 768, 0, shape.dtype))
                .initialize(device, 1);
            AdamW optimizer = AdamW.of(model.parameters()).learningRate(1e-4).weightDecay(0.1);
            int count = shape.batch * shape.context;
            int[] text = new Random(1).ints(2L * count, 0, 50_257).toArray();
            batch = List.of(device.tensor(Arrays.copyOf(text, count), shape.batch, shape.context),
                device.tensor(Arrays.copyOfRange(text, count, text.length), shape.batch, shape.context));
            step = Step.compile(device, (input, target) -> {
                Tensor loss = model.loss(input, target);
                optimizer.minimize(loss);
                return loss;
            });
        }

        /** Processor time that a run takes of the thread that enqueues it, waiting for indices included; the median. */
        double hostSeconds() {
            ThreadMXBean threads = ManagementFactory.getThreadMXBean();
            long[] nanos = new long[HOST_RUNS];
            for (int i = 0; i < nanos.length; i++) {
                long start = threads.getCurrentThreadCpuTime();
                try (Scope run = device.scope()) {
                    step.runAll(batch);
                }
                nanos[i] = threads.getCurrentThreadCpuTime() - start;
            }
            Arrays.sort(nanos);
            return nanos[nanos.length / 2] / 1e9;
        }

        @Override
        public void close() {
            step.close();
            scope.close();
        }
    }

    /** Runs it once. */
    static Map<String, Object> rehearse(Device device, Case shape) {
        try (Training training = new Training(device, shape)) {
            return Map.of("loss", training.step.runAll(training.batch).getFirst().item());
        }
    }

    /** On a card also what a run costs the host, replayed as graphs and launch by launch. */
    static Map<String, Object> measure(Device device, Case shape) {
        Map<String, Object> fields = new LinkedHashMap<>();
        double seconds;
        try (Training training = new Training(device, shape)) {
            seconds = SpeedPart.seconds(device, training.step, training.batch);
            fields.put("passed", true);
            fields.put("milliseconds", seconds * 1e3);
            fields.put("rate", shape.batch * shape.context / seconds);
            fields.put("unit", "tokens/s");
            fields.put("peakBytes", training.step.memory().peakBytes());
            if (!device.name().startsWith("cuda")) {
                return fields;
            }
            put(fields, "replay", training.hostSeconds(), seconds);
        }
        try (Device launching = Device.open(device.name(), Map.of("graphs", "false"));
            Training training = new Training(launching, shape)) {
            training.hostSeconds();
            put(fields, "enqueue", training.hostSeconds(), seconds);
        }
        return fields;
    }

    private static void put(Map<String, Object> fields, String what, double host, double seconds) {
        fields.put(what + "HostMilliseconds", host * 1e3);
        fields.put(what + "HostFraction", host / seconds);
    }
}
