package org.adjoint.bench.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.adjoint.bench.CommandRun;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Trainings in a process of their own, which is told to end, or killed. */
@Timeout(600)
class InterruptionTest {
    /** The first save comes after a twentieth: the rest is time to interrupt. */
    private static final int STEPS = 200;

    @TempDir
    private static Path folder;
    private static Path whole;
    private Process process;

    @BeforeAll
    static void trainWithoutInterruption() throws IOException {
        Files.writeString(folder.resolve("text.txt"), "a little text to learn, line after line\n".repeat(60));
        whole = folder.resolve("whole");
        CommandRun run = CommandRun.of(training(whole).toArray(String[]::new));
        assertEquals(0, run.status(), run::err);
    }

    @AfterEach
    void endProcess() {
        if (process != null) {
            process.destroyForcibly();
        }
    }

    private static List<String> training(Path run) {
        return List.of("train", "--layers", "2", "--heads", "2", "--width", "16", "--context", "16", "--batch", "2",
                "--device", "cpu", "--steps", Integer.toString(STEPS), "--data",
                folder.resolve("text.txt").toString(), "--out", run.toString());
    }

    /** Starts a training and waits until some of its steps are done. */
    private void start(Path run) throws IOException, InterruptedException {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        List<String> command = new ArrayList<>(List.of(java.toString(), "--add-modules", "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED", "-Djava.awt.headless=true", "-cp",
                System.getProperty("java.class.path"), "org.adjoint.bench.Adjoint"));
        command.addAll(training(run));
        process = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(folder.resolve("output.txt").toFile()).start();
        Path checkpoint = run.resolve("checkpoint.safetensors");
        while (!Files.exists(checkpoint)) {
            assertTrue(process.isAlive(), output());
            Thread.sleep(5);
        }
    }

    private String output() throws IOException {
        return Files.readString(folder.resolve("output.txt"));
    }

    private void assertResumes(Path run) throws IOException {
        CommandRun resumed = CommandRun.of("train", "--resume", run.toString(), "--device", "cpu");
        assertEquals(0, resumed.status(), resumed::err);
        assertArrayEquals(Files.readAllBytes(whole.resolve("checkpoint.safetensors")),
                Files.readAllBytes(run.resolve("checkpoint.safetensors")));
    }

    @Test
    void aRunThatIsToldToEndSavesAndSaysHowToGoOn() throws IOException, InterruptedException {
        Path run = folder.resolve("told");
        start(run);
        process.destroy();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        String output = output();
        assertTrue(output.matches("(?s).*interrupted and saved after step \\d+ of 200; to go on: adjoint train "
                + "--resume \\S+told.*"), output);
        assertTrue(Files.exists(run.resolve("loss.png")), output);
        assertTrue(!output.contains("error"), output);
        assertResumes(run);
    }

    @Test
    void aRunThatIsKilledGoesOnFromItsLastSave() throws IOException, InterruptedException {
        Path run = folder.resolve("killed");
        start(run);
        process.destroyForcibly();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertTrue(!output().contains("interrupted"), output());
        assertResumes(run);
    }
}
