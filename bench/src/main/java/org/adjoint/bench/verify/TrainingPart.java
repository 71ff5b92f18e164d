package org.adjoint.bench.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import org.adjoint.Device;
import org.adjoint.Scope;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.model.GPT;
import org.adjoint.optim.AdamW;

/** Trains one model on the device and on the CPU, from the same weights on the same tokens, and compares the losses. */
record TrainingPart(Supplier<Device> device, List<Case> cases) implements Part {
    /** How far a loss may be from the CPU's, relative to it: what ten steps of rounding in {@code F32} amount to. */
    static final double TOLERANCE = 1e-4;

    /** The model that {@code adjoint train} trains, without and with dropout. */
    static final List<Case> DEFAULT = List.of(new Case(4, 128, 4, 256, 8, 128, 0, 20),
        new Case(2, 64, 4, 256, 8, 64, 0.1, 20));

    /**
     * A model and a batch.
     *
     * @param dropout probability of dropping an element, whose random numbers are the same on both
     */
    record Case(int layers, int width, int heads, int vocabulary, int batch, int context, double dropout, int steps) {
        String key() {
            return "gpt " + layers + "x" + width + " h" + heads + " v" + vocabulary + " b" + batch + " t" + context
                + (dropout == 0 ? "" : " dropout " + dropout);
        }
    }

    @Override
    public String name() {
        return "training";
    }

    @Override
    public List<Item> items() {
        return cases.stream().map(it -> new Item(it.key(), () -> check(it))).toList();
    }

    @Override
    public List<Item> rehearsals() {
        return cases.stream().map(it -> new Item(it.key(), () -> Map.of("losses", losses(device.get(), it, 1))))
            .toList();
    }

    private Map<String, Object> check(Case model) {
        List<Double> actual = losses(device.get(), model, model.steps);
        List<Double> expected;
        try (Device cpu = Device.open("cpu")) {
            expected = losses(cpu, model, model.steps);
        }
        double worst = 0;
        for (int i = 0; i < actual.size(); i++) {
            double error = Math.abs(actual.get(i) - expected.get(i)) / Math.abs(expected.get(i));
            worst = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(worst, error);
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("passed", worst <= TOLERANCE);
        fields.put("worstRelativeDifference", worst);
        fields.put("tolerance", TOLERANCE);
        fields.put("losses", actual);
        fields.put("cpuLosses", expected);
        return fields;
    }

    private static List<Double> losses(Device device, Case shape, int steps) {
        try (Scope scope = device.scope()) {
            GPT model = GPT.of(new GPT.Config(shape.vocabulary, shape.context, shape.layers, shape.heads, shape.width,
                shape.dropout, DType.F32)).initialize(device, 1);
            AdamW optimizer = AdamW.of(model.parameters()).learningRate(1e-3).weightDecay(0.1);
            device.random().seed(5);
            Random random = new Random(1);
            int count = shape.batch * shape.context;
            int[] text = random.ints(2L * count, 0, shape.vocabulary).toArray();
            Tensor tokens = device.tensor(Arrays.copyOf(text, count), shape.batch, shape.context);
            Tensor targets = device.tensor(Arrays.copyOfRange(text, count, text.length), shape.batch, shape.context);
            List<Double> losses = new ArrayList<>();
            try (Step step = Step.compile(device, (input, target) -> {
                Tensor loss = model.loss(input, target);
                optimizer.minimize(loss);
                return loss;
            })) {
                for (int i = 0; i < steps; i++) {
                    try (Scope inner = device.scope()) {
                        losses.add(step.run(tokens, targets).item());
                    }
                }
            }
            return losses;
        }
    }
}
