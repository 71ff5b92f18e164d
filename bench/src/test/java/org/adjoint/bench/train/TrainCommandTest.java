package org.adjoint.bench.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import javax.imageio.ImageIO;
import org.adjoint.bench.CommandRun;
import org.adjoint.bench.Json;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainCommandTest {
    private static final List<String> TINY = List.of("--layers", "2", "--heads", "2", "--width", "16", "--context",
            "16", "--batch", "2", "--device", "cpu");

    @TempDir
    private Path folder;
    private Path text;

    @BeforeEach
    void writeText() throws IOException {
        StringBuilder builder = new StringBuilder();
        for (int i = 0; i < 200; i++) {
            builder.append("line ").append(i * i).append(" of a small text\n");
        }
        text = Files.writeString(folder.resolve("text.txt"), builder);
    }

    private static BooleanSupplier after(int steps) {
        int[] asked = {0};
        return () -> asked[0]++ >= steps;
    }

    private CommandRun train(BooleanSupplier stop, String... options) {
        List<String> arguments = new ArrayList<>(List.of("train"));
        arguments.addAll(List.of(options));
        return CommandRun.of(commandLine -> {
            commandLine.getCommandSpec().removeSubcommand("train");
            commandLine.addSubcommand(new TrainCommand(stop));
        }, arguments.toArray(String[]::new));
    }

    private CommandRun tiny(BooleanSupplier stop, Path run, String... options) {
        List<String> arguments = new ArrayList<>(TINY);
        arguments.addAll(List.of("--data", text.toString(), "--out", run.toString(), "--steps", "8"));
        arguments.addAll(List.of(options));
        return train(stop, arguments.toArray(String[]::new));
    }

    @Test
    void aTinyTrainingLeavesAllThereIsToLeave() throws IOException {
        Path run = folder.resolve("run");
        Path json = folder.resolve("result.json");
        CommandRun done = tiny(() -> false, run, "--json", json.toString());
        assertEquals(0, done.status(), done::err);
        assertTrue(done.out().contains("validation loss"), done::out);
        assertTrue(done.out().contains("400 bytes by the model"), done::out);

        assertTrue(Files.size(run.resolve("checkpoint.safetensors")) > 1000);
        assertTrue(ImageIO.read(run.resolve("loss.png").toFile()).getWidth() > 500);
        assertEquals(16L, Json.readObject(run.resolve("config.json")).get("width"));
        List<String> rows = Files.readAllLines(run.resolve("metrics.csv"));
        assertEquals("step,learning_rate,loss,validation_loss,tokens_per_second,seconds", rows.getFirst());
        assertEquals(9, rows.size());

        Map<String, Object> results = Json.readObject(json);
        double validationLoss = (Double) results.get("validationLoss");
        assertTrue(validationLoss > 1 && validationLoss < 6, results::toString);
        assertEquals(validationLoss, Double.parseDouble(rows.getLast().split(",")[3]));
        Entropies entropies = entropies();
        assertEquals(entropies.single(), results.get("byteEntropy"));
        assertEquals(entropies.pair(), results.get("bytePairEntropy"));
        assertTrue((Double) results.get("tokensPerSecond") > 0, results::toString);
        assertTrue((Double) results.get("seconds") > 0, results::toString);
        assertEquals(8L, results.get("steps"));
        assertEquals(true, results.get("completed"));
        assertEquals("cpu", results.get("device"));
    }

    private Entropies entropies() throws IOException {
        Corpus corpus = Corpus.read(text, 16);
        return Entropies.of(corpus.training(), corpus.validation());
    }

    @Test
    void aRunThatWasStoppedGoesOnBitForBit() throws IOException {
        Path whole = folder.resolve("whole");
        Path parts = folder.resolve("parts");
        Path json = folder.resolve("result.json");
        assertEquals(0, tiny(() -> false, whole).status());
        CommandRun stopped = tiny(after(3), parts, "--json", json.toString());
        assertEquals(1, stopped.status(), stopped::err);
        assertTrue(stopped.err().contains("interrupted and saved after step 3 of 8; to go on: adjoint train --resume "
                + parts), stopped::err);
        assertEquals(false, Json.readObject(json).get("completed"));
        // What a killed run wrote beyond its checkpoint does not count.
        Files.writeString(parts.resolve("metrics.csv"), "4,9,9,,9,9\n5,1", StandardOpenOption.APPEND);

        CommandRun resumed = train(() -> false, "--resume", parts.toString(), "--device", "cpu", "--threads", "1");
        assertEquals(0, resumed.status(), resumed::err);
        assertArrayEquals(Files.readAllBytes(whole.resolve("checkpoint.safetensors")),
                Files.readAllBytes(parts.resolve("checkpoint.safetensors")));
        assertEquals(losses(whole), losses(parts));
        assertEquals(Files.readString(whole.resolve("config.json")), Files.readString(parts.resolve("config.json")));
    }

    private static List<String> losses(Path run) throws IOException {
        return Files.readAllLines(run.resolve("metrics.csv")).stream()
                .map(row -> String.join(",", List.of(row.split(",", -1)).subList(0, 4))).toList();
    }

    @Test
    void aFinishedRunGoesOnWithMoreSteps() throws IOException {
        Path run = folder.resolve("run");
        assertEquals(0, tiny(() -> false, run).status());
        CommandRun again = train(() -> false, "--resume", run.toString(), "--device", "cpu");
        assertEquals(1, again.status());
        assertEquals("error: the run in '" + run + "' has done its 8 steps: give more --steps to go on",
                again.err().strip());
        CommandRun more = train(() -> false, "--resume", run.toString(), "--steps", "10", "--device", "cpu");
        assertEquals(0, more.status(), more::err);
        assertEquals(11, Files.readAllLines(run.resolve("metrics.csv")).size());
        assertEquals(10L, Json.readObject(run.resolve("config.json")).get("steps"));
    }

    @Test
    void aRunIsResumedAsItIsOrNotAtAll() throws IOException {
        Path run = folder.resolve("run");
        tiny(after(1), run);
        CommandRun other = train(() -> false, "--resume", run.toString(), "--width", "32");
        assertEquals(2, other.status());
        assertTrue(other.err().startsWith("error: --width 32: the run in '" + run + "' has 16; leave the option out"),
                other::err);

        Path config = run.resolve("config.json");
        String saved = Files.readString(config);
        Files.writeString(config, saved.replace("\"width\" : 16", "\"width\" : 32"));
        CommandRun foreign = train(() -> false, "--resume", run.toString(), "--device", "cpu");
        assertEquals(1, foreign.status());
        assertTrue(foreign.err().contains("is a checkpoint of another model: 'tokenEmbedding.weight' is"),
                foreign::err);

        Files.writeString(config, saved.replace("\"seed\"", "\"sead\""));
        CommandRun damaged = train(() -> false, "--resume", run.toString(), "--device", "cpu");
        assertEquals(1, damaged.status());
        assertTrue(damaged.err().contains("is not the configuration of a training run: 'seed' is missing"),
                damaged::err);
        Files.writeString(config, saved);

        Files.writeString(text, Files.readString(text) + "more");
        CommandRun changed = train(() -> false, "--resume", run.toString(), "--device", "cpu");
        assertEquals(1, changed.status());
        assertTrue(changed.err().contains("is not what this run was started with"), changed::err);
    }

    @Test
    void aFolderThatHoldsARunIsNotOverwritten() {
        Path run = folder.resolve("run");
        tiny(after(1), run);
        CommandRun second = tiny(() -> false, run);
        assertEquals(1, second.status());
        assertEquals("error: the folder '" + run + "' holds a run already: name another one, or continue that with "
                + "--resume " + run, second.err().strip());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--width 30 --heads 4      | --width 30 does not divide into 4 heads: choose a multiple of --heads",
        "--steps 0                 | --steps must be at least 1 but is 0",
        "--layers -1               | --layers must be at least 1 but is -1",
        "--heads 0                 | --heads must be at least 1 but is 0",
        "--width -8                | --width must be at least 1 but is -8",
        "--context 0               | --context must be at least 1 but is 0",
        "--context 2000000         | --context must be at most 1048576 but is 2000000",
        "--batch -3                | --batch must be at least 1 but is -3",
        "--lr -0.1                 | --lr must be positive but is -0.1",
        "--lr NaN                  | --lr must be positive but is NaN",
        "--steps many              | Invalid value for option '--steps': 'many' is not a long",
        "--threads 0               | --threads must be at least 1 but is 0",
        "--device cpv              | unknown device 'cpv', did you mean 'cpu'?",
        "--device cpu:x            | --device 'cpu:x': what follows the colon must be a number",
        "--device reference --threads 2 | --threads is for the device cpu, not for reference",
        "--dtype f23               | unknown --dtype 'f23', did you mean 'f32'?",
        "--dtype i32               | unknown --dtype 'i32', did you mean 'f32'?",
        "--stpes 3                 | unknown option '--stpes', did you mean '--steps'?",
        "--resume a --out b        | --out can't be combined with --resume, which goes on in the folder of its run",
        "polynominal               | unknown command 'polynominal', did you mean 'polynomial'?",
    })
    void badUsage(String options, String message) {
        CommandRun run = train(() -> false, options.split(" "));
        assertEquals(2, run.status());
        assertEquals("error: " + message + " (see adjoint train --help)", run.err().strip());
    }

    @Test
    void anUnknownDeviceIsToldWhatThereIs() {
        CommandRun run = train(() -> false, "--device", "abacus");
        assertEquals(2, run.status());
        assertTrue(run.err().matches("(?s)error: unknown device 'abacus', one of .*cpu, reference \\(see.*"), run::err);
    }

    @Test
    void badData() throws IOException {
        Path missing = folder.resolve("missing.txt");
        failsWith("no such file or folder: " + missing, "--data", missing.toString());
        Path empty = Files.createFile(folder.resolve("empty.txt"));
        failsWith(empty + ": the file is empty", "--data", empty.toString());
        Path little = Files.writeString(folder.resolve("short.txt"), "too short\n".repeat(20));
        failsWith("the text is too short: 20 of its 200 bytes are held back, and a context of 128 needs 129: give more "
                + "text, or set --context to at most 19", "--data", little.toString());
    }

    @Test
    void anUnwritableFolderIsFoundBeforeTraining() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        failsWith("the folder '" + file.resolve("run") + "' can't be written: ", "--data", text.toString(), "--out",
                file.resolve("run").toString());
        failsWith("the folder '" + file + "' can't be written: ", "--data", text.toString(), "--json",
                file.resolve("result.json").toString());
        failsWith("the folder '" + file + "' can't be written: ", "--data", text.toString(), "--out", file.toString());
    }

    @Test
    void whatIsNoRunCanNotBeResumed() throws IOException {
        Path missing = folder.resolve("missing");
        failsWith("no such file or folder: " + missing, "--resume", missing.toString());
        failsWith("'" + folder + "' is not the folder of a training run: it lacks config.json", "--resume",
                folder.toString());
        Path run = Files.createDirectory(folder.resolve("run"));
        Files.writeString(run.resolve("config.json"), "{}");
        failsWith("'" + run + "' is not the folder of a training run: it lacks checkpoint.safetensors", "--resume",
                run.toString());
    }

    private void failsWith(String message, String... options) {
        CommandRun run = train(() -> false, options);
        assertEquals(1, run.status(), run::out);
        assertTrue(run.err().startsWith("error: " + message), run::err);
        assertFalse(run.err().contains("\tat "), run::err);
    }

    @Test
    void aTrainingThatDivergesSaysSo() {
        CommandRun run = tiny(() -> false, folder.resolve("run"), "--lr", "1e30");
        assertEquals(1, run.status(), run::out);
        assertTrue(run.err().contains("the training diverged; start again with a smaller --lr than 1.0E30"), run::err);
    }

    @Test
    void helpShowsExamples() {
        CommandRun run = CommandRun.of("train", "--help");
        assertEquals(0, run.status());
        assertTrue(run.out().contains("adjoint train --resume runs/book"), run::out);
    }
}
