package org.adjoint.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.nn.Activation;
import org.adjoint.nn.BatchNorm;
import org.adjoint.nn.Conv1d;
import org.adjoint.nn.Dropout;
import org.adjoint.nn.LSTM;
import org.adjoint.nn.Linear;
import org.adjoint.nn.Module;
import org.adjoint.nn.RecurrentOptions;
import org.adjoint.nn.Sequential;
import org.adjoint.optim.MovingAverage;
import org.adjoint.optim.NAdam;
import org.adjoint.optim.Plateau;
import org.adjoint.optim.RMSProp;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two nets that train against each other, with all that has state, interrupted by a checkpoint. */
class ResumeTest {
    @TempDir
    private Path folder;

    private static final class Pair extends Module<Pair> {
        private final Sequential generator = child("generator",
            Sequential.of(Linear.of(3, 6), BatchNorm.of(6), Activation.RELU, Dropout.of(0.25), Linear.of(6, 4)));
        private final LSTM critic = child("critic", LSTM.of(RecurrentOptions.of(2, 3).layers(2).dropout(0.25)));
    }

    private static final class Run implements AutoCloseable {
        private final Device device = Device.open("reference");
        private final Pair nets = new Pair().initialize(device, 1, DType.BF16);
        private final NAdam making = NAdam.of(nets.generator.parameters()).clipNorm(1);
        private final RMSProp judging = RMSProp.of(nets.critic.parameters()).momentum(0.5).centered();
        private final MovingAverage average = MovingAverage.of(nets.generator.parameters(), 0.75);
        private final Plateau plateau = Plateau.of(0.01).patience(0).factor(0.5);
        private final Step step = Step.compile(device, noise -> {
            Tensor made = nets.generator.forward(noise).reshape(2, 5, 2);
            Tensor score = nets.critic.forward(made).to(DType.F32).square().mean();
            making.minimize(score);
            judging.minimize(score.neg());
            average.update();
            return score;
        });
        private final Checkpoint checkpoint = Checkpoint.of(nets.state()).with(making.state())
            .with("critic", judging.state()).with(average.state()).with(device.random());

        Run() {
            device.random().seed(11);
        }

        double[] train(int steps) {
            double[] scores = new double[steps];
            for (int i = 0; i < steps; i++) {
                scores[i] = step.run(device.random().normal(DType.BF16, 5, 3)).item();
                making.learningRate(plateau.measured(scores[i]));
            }
            return scores;
        }

        @Override
        public void close() {
            device.close();
        }
    }

    @Test
    void whatHasStateGoesOnAsIfNothingHadHappened() throws IOException {
        Path file = folder.resolve("pair.safetensors");
        double[] scores;
        try (Run run = new Run()) {
            scores = run.train(8);
        }
        try (Run run = new Run()) {
            assertArrayEquals(Arrays.copyOf(scores, 4), run.train(4));
            run.checkpoint.save(file, run.plateau.state());
        }
        try (Run run = new Run()) {
            run.train(2);
            run.plateau.restore(run.checkpoint.load(file));
            assertArrayEquals(Arrays.copyOfRange(scores, 4, 8), run.train(4));
        }
        try (Safetensors saved = Safetensors.open(file)) {
            Set<String> names = saved.types().keySet();
            for (String name : new String[] {"generator.1.running_var", "critic.weight_ih_l1", "optimizer.step",
                "optimizer.critic.step", "optimizer.critic.velocity.critic.bias_hh_l0", "optimizer.momentumProduct",
                "optimizer.master.generator.0.weight", "average.generator.0.weight", "random.state"}) {
                assertEquals(true, names.contains(name), name);
            }
        }
        try (Run run = new Run()) {
            double before = run.nets.state().get("generator.1.running_var").tensor().toDoubleArray()[0];
            Checkpoint.of(run.nets.state()).load(file);
            assertNotEquals(before, run.nets.state().get("generator.1.running_var").tensor().toDoubleArray()[0]);
        }
    }

    /** The names of {@code torch.nn.Sequential(Conv1d(1, 2, 3), BatchNorm1d(2)).state_dict()}. */
    @Test
    void aNetOfPyTorchsIsRead() throws IOException {
        Path file = folder.resolve("torch.safetensors");
        try (Device device = Device.open("reference")) {
            Map<String, Tensor> saved = new LinkedHashMap<>();
            saved.put("0.weight", device.ones(DType.F32, 2, 1, 3));
            for (String name : new String[] {"0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var"}) {
                saved.put(name, device.full(DType.F32, saved.size(), 2));
            }
            saved.put("1.num_batches_tracked", device.full(DType.I64, 7));
            Safetensors.write(file, saved, Map.of("format", "pt"));
            Sequential net = Sequential.of(Conv1d.of(1, 2, 3), BatchNorm.of(2)).initialize(device, 1);
            Checkpoint.of(net.state()).load(file);
            assertEquals(5, net.state().get("1.running_var").tensor().toDoubleArray()[1]);
        }
    }

    @Test
    void aNameSetsStatesApart() throws IOException {
        Path file = folder.resolve("named.safetensors");
        try (Device device = Device.open("reference")) {
            Map<String, Variable> one = Map.of("w", device.variable("w", device.scalar(1)));
            Map<String, Variable> two = Map.of("w", device.variable("w", device.scalar(2)));
            Checkpoint both = Checkpoint.of(Map.of()).with("one", one).with("two", two);
            both.save(file, Map.of());
            one.get("w").assign(device.scalar(5));
            two.get("w").assign(device.scalar(5));
            both.load(file);
            assertEquals(1, one.get("w").tensor().item());
            assertEquals(2, two.get("w").tensor().item());
            assertEquals("checkpoint: there are two variables named 'one.w'",
                assertThrows(IllegalArgumentException.class, () -> both.with("one", two)).getMessage());
            assertEquals("checkpoint: the name of a part must not be empty",
                assertThrows(IllegalArgumentException.class, () -> both.with("", two)).getMessage());
        }
    }
}
