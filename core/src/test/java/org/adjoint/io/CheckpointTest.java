package org.adjoint.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.data.Batch;
import org.adjoint.data.TokenBatches;
import org.adjoint.graph.DType;
import org.adjoint.model.GPT;
import org.adjoint.nn.Linear;
import org.adjoint.optim.AdamW;
import org.adjoint.optim.Schedule;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
    @TempDir
    private Path folder;

    /** A training run with all that has state: dropout, moments, a schedule, batches by step. */
    private static final class Run implements AutoCloseable {
        private final Device device = Device.open("reference");
        private final GPT gpt = GPT.of(new GPT.Config(256, 8, 1, 2, 8).withDropout(0.2)).initialize(device, 1);
        private final AdamW adam = AdamW.of(gpt.parameters());
        private final TokenBatches batches =
            TokenBatches.of("the quick brown fox jumps over the lazy dog".getBytes(StandardCharsets.US_ASCII), 2, 8, 3);
        private final Schedule schedule = Schedule.cosine(1e-2, 1e-3, 6).warmup(2);
        private final Step step = Step.compile(device, (x, y) -> {
            Tensor loss = gpt.loss(x, y);
            adam.minimize(loss);
            return loss;
        });
        private final Checkpoint checkpoint =
            Checkpoint.of(gpt.namedParameters()).with(adam.state()).with(device.random());

        Run() {
            device.random().seed(11);
        }

        double[] train(int from, int to) {
            double[] losses = new double[to - from];
            for (int i = from; i < to; i++) {
                adam.learningRate(schedule.rate(i));
                Batch batch = batches.sample(i);
                losses[i - from] = step.run(batch.tokens(device), batch.targets(device)).item();
            }
            return losses;
        }

        Map<String, double[]> state() {
            Map<String, double[]> values = new LinkedHashMap<>();
            gpt.namedParameters().forEach((name, variable) -> values.put(name, variable.tensor().toDoubleArray()));
            adam.state().forEach((name, variable) -> values.put(name, variable.tensor().toDoubleArray()));
            return values;
        }

        @Override
        public void close() {
            device.close();
        }
    }

    @Test
    void aResumedRunEqualsAnUninterruptedOne() throws IOException {
        Path file = folder.resolve("checkpoint.safetensors");
        double[] losses;
        Map<String, double[]> end;
        try (Run run = new Run()) {
            losses = run.train(0, 8);
            end = run.state();
        }
        try (Run run = new Run()) {
            assertArrayEquals(Arrays.copyOf(losses, 4), run.train(0, 4));
            run.checkpoint.save(file, Map.of("step", "4"));
            assertEquals(4, run.train(4, 8).length);
        }
        try (Run run = new Run()) {
            run.train(0, 1);
            assertEquals(Map.of("step", "4"), run.checkpoint.load(file));
            assertArrayEquals(Arrays.copyOfRange(losses, 4, 8), run.train(4, 8));
            Map<String, double[]> resumed = run.state();
            assertEquals(end.keySet(), resumed.keySet());
            end.forEach((name, values) -> assertArrayEquals(values, resumed.get(name), name));
        }
        assertFalse(Files.exists(folder.resolve("checkpoint.safetensors.partial")));
    }

    @Test
    void parametersCanBeLoadedAlone() throws IOException {
        Path file = folder.resolve("checkpoint.safetensors");
        try (Run run = new Run(); Run other = new Run()) {
            run.train(0, 1);
            run.checkpoint.save(file, Map.of("a", "b"));
            assertEquals(Map.of("a", "b"), Checkpoint.metadata(file));
            assertEquals(Map.of("a", "b"), Checkpoint.of(other.gpt.namedParameters()).load(file));
            assertArrayEquals(run.state().get("norm.bias"), other.state().get("norm.bias"));
            assertArrayEquals(new double[1], other.state().get("optimizer.step"));
        }
    }

    @Test
    void aCheckpointOfAnotherModelIsRefused() throws IOException {
        Path file = folder.resolve("checkpoint.safetensors");
        try (Device device = Device.open("reference")) {
            Linear saved = Linear.of(2, 3).initialize(device, 1);
            Checkpoint.of(saved.namedParameters()).save(file, Map.of());
            assertRefused(file, Linear.of(4, 3).initialize(device, 1).namedParameters(),
                "'weight' is f32(3, 2) in it but f32(3, 4) here");
            assertRefused(file, Linear.of(2, 3).initialize(device, 1, DType.F64).namedParameters(),
                "'weight' is f32(3, 2) in it but f64(3, 2) here: loadRounded takes it nevertheless");
            assertRefused(file, Linear.withoutBias(2, 3).initialize(device, 1).namedParameters(),
                "it holds 'bias' f32(3), which is not here");
            assertRefused(file, Map.of("weights", saved.parameters().getFirst()), "'weights' f32(3, 2) is not in it");
            Linear partly = Linear.of(2, 3).initialize(device, 2);
            double[] before = partly.parameters().getFirst().tensor().toDoubleArray();
            Map<String, Variable> parameters = partly.namedParameters();
            parameters.put("gain", device.variable("gain", device.scalar(1)));
            assertRefused(file, parameters, "'gain' f32() is not in it");
            assertArrayEquals(before, partly.parameters().getFirst().tensor().toDoubleArray(), "nothing was loaded");
        }
    }

    @Test
    void numbersOfAnotherDtypeAreRoundedIfAskedFor() throws IOException {
        Path file = folder.resolve("checkpoint.safetensors");
        try (Device device = Device.open("reference")) {
            Variable weights = device.variable("w", device.tensor(new double[] {1, 1 + 0x1p-9, 1 + 0x1.8p-8, -1e-30}));
            Variable count = device.variable("n", device.tensor(new long[] {3}));
            Checkpoint.of(Map.of("w", weights, "n", count)).save(file, Map.of("step", "7"));
            for (DType dtype : List.of(DType.F64, DType.F32, DType.BF16)) {
                Variable loaded = device.variable("w", device.zeros(dtype, 4));
                Checkpoint checkpoint = Checkpoint.of(Map.of("w", loaded, "n", count));
                assertEquals(Map.of("step", "7"), checkpoint.loadRounded(file));
                assertEquals(dtype, loaded.type().dtype());
                assertArrayEquals(weights.tensor().to(dtype).toDoubleArray(), loaded.tensor().toDoubleArray());
            }
            Variable narrow = device.variable("n", device.tensor(new int[] {3}));
            Map<String, Variable> shorter = Map.of("w", weights, "n", narrow);
            InvalidFileException e =
                assertThrows(InvalidFileException.class, () -> Checkpoint.of(shorter).loadRounded(file));
            assertEquals(file + ": is a checkpoint of another model: 'n' is i64(1) in it but i32(1) here",
                e.getMessage());
            Map<String, Variable> wider = Map.of("w", device.variable("w", device.zeros(DType.F32, 5)), "n", count);
            assertTrue(assertThrows(InvalidFileException.class,
                () -> Checkpoint.of(wider).loadRounded(file)).getMessage()
                .endsWith("'w' is f64(4) in it but f32(5) here"));
        }
    }

    private static void assertRefused(Path file, Map<String, Variable> parameters, String difference) {
        InvalidFileException e =
            assertThrows(InvalidFileException.class, () -> Checkpoint.of(parameters).load(file));
        assertEquals(file + ": is a checkpoint of another model: " + difference, e.getMessage());
    }

    @Test
    void whatCannotBeSavedLeavesTheOldFile() throws IOException {
        Path file = folder.resolve("checkpoint.safetensors");
        try (Device device = Device.open("reference")) {
            Checkpoint checkpoint = Checkpoint.of(Linear.of(2, 3).initialize(device, 1).namedParameters());
            assertThrows(NoSuchFileException.class, () -> checkpoint.save(folder.resolve("none/x"), Map.of()));
            checkpoint.save(file, Map.of("which", "old"));
            Files.createDirectory(folder.resolve("checkpoint.safetensors.partial"));
            assertThrows(IOException.class, () -> checkpoint.save(file, Map.of("which", "new")));
            assertEquals(Map.of("which", "old"), Checkpoint.metadata(file));
        }
    }

    @Test
    void twoVariablesOfOneNameAreAnError() {
        try (Device device = Device.open("reference")) {
            Map<String, Variable> parameters = Linear.of(2, 3).initialize(device, 1).namedParameters();
            assertEquals("checkpoint: there are two variables named 'weight'",
                assertThrows(IllegalArgumentException.class,
                    () -> Checkpoint.of(parameters).with(parameters)).getMessage());
        }
    }

    /** What the killed process does: saves without end, telling when the first file is there. */
    public static final class Saver {
        private static final int ELEMENTS = 100_000;

        private Saver() { }

        static Map<String, Variable> variables(Device device) {
            Map<String, Variable> variables = new LinkedHashMap<>();
            for (int i = 0; i < 4; i++) {
                variables.put("v" + i, device.variable("v" + i, device.zeros(DType.F32, ELEMENTS)));
            }
            return variables;
        }

        public static void main(String[] arguments) throws IOException {
            try (Device device = Device.open("reference")) {
                Map<String, Variable> variables = variables(device);
                Checkpoint checkpoint = Checkpoint.of(variables);
                for (int round = 1; round < 1_000_000; round++) {
                    float[] values = new float[ELEMENTS];
                    Arrays.fill(values, round);
                    variables.values().forEach(variable -> variable.assign(device.tensor(values)));
                    checkpoint.save(Path.of(arguments[0]), Map.of("round", Integer.toString(round)));
                    if (round == 1) {
                        System.out.println("saved");
                        System.out.flush();
                    }
                }
            }
        }
    }

    @Test
    void aKillInTheMidstOfASaveLeavesAWholeFile() throws IOException, InterruptedException {
        Path file = folder.resolve("checkpoint.safetensors");
        Path partial = folder.resolve("checkpoint.safetensors.partial");
        int interrupted = 0;
        try (Device device = Device.open("reference")) {
            for (int kill = 0; kill < 5; kill++) {
                Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED", "-cp", classPath(),
                    Saver.class.getName(), file.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
                assertEquals("saved", process.inputReader().readLine());
                long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
                while (!Files.exists(partial) && System.nanoTime() < end) {
                    Thread.onSpinWait();
                }
                TimeUnit.MICROSECONDS.sleep(700L * kill);
                process.destroyForcibly();
                assertTrue(process.waitFor(10, TimeUnit.SECONDS));
                interrupted += Files.exists(partial) ? 1 : 0;
                Map<String, Variable> variables = Saver.variables(device);
                int round = Integer.parseInt(Checkpoint.of(variables).load(file).get("round"));
                for (Variable variable : variables.values()) {
                    double[] values = variable.tensor().toDoubleArray();
                    assertTrue(Arrays.stream(values).allMatch(value -> value == round), "round " + round + " is whole");
                }
            }
        }
        assertTrue(interrupted > 0, "no kill came in the midst of a save");
    }

    /** Also where the tests run on the module path. */
    static String classPath() {
        return String.join(File.pathSeparator, List.of(System.getProperty("java.class.path", ""),
            System.getProperty("jdk.module.path", ""), location(CheckpointTest.class), location(Checkpoint.class)));
    }

    private static String location(Class<?> type) {
        return Path.of(URI.create(type.getProtectionDomain().getCodeSource().getLocation().toString())).toString();
    }
}
