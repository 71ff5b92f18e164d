package org.adjoint.io;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.adjoint.RandomState;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.TensorType;

/**
 * All that a training run goes on from, in one safetensors file: parameters and buffers under their names, an
 * optimizer's state under {@code "optimizer."}, averages of weights under {@code "average."}, random state under
 * {@code "random."}, and strings, such as {@link org.adjoint.optim.Plateau#state}.
 *
 * <pre>{@code
 * var checkpoint = Checkpoint.of(net.state()).with(adam.state()).with(device.random());
 * checkpoint.save(file, Map.of("step", "1000"));
 * Map<String, String> metadata = checkpoint.load(file);
 * }</pre>
 *
 * A save that is killed at any moment leaves the file as it was or as it is to be, never something in between.
 */
public final class Checkpoint {
    private static final String RANDOM = "random.";
    /** What names begin with that a file may hold and nobody reads. */
    private static final List<String> OPTIONAL = List.of("optimizer.", RANDOM, "average.");
    /** What PyTorch's batch norm keeps besides its statistics, which do not need it here. */
    private static final String BATCH_COUNT = "num_batches_tracked";

    private final Map<String, Variable> variables;

    private Checkpoint(Map<String, Variable> variables) {
        this.variables = variables;
    }

    /** A checkpoint of a model's parameters, or better of its {@link org.adjoint.nn.Module#state}, with its buffers. */
    public static Checkpoint of(Map<String, Variable> parameters) {
        return new Checkpoint(new LinkedHashMap<>()).with(parameters);
    }

    /** This and more state, such as an optimizer's. */
    public Checkpoint with(Map<String, Variable> state) {
        Map<String, Variable> all = new LinkedHashMap<>(variables);
        state.forEach((name, variable) -> {
            if (all.put(name, variable) != null) {
                throw new IllegalArgumentException("checkpoint: there are two variables named '" + name + "'");
            }
        });
        return new Checkpoint(all);
    }

    /**
     * This and state behind a name of its own, as the second of two optimizers needs one: its {@code "optimizer.step"}
     * becomes {@code "optimizer.critic.step"}, a parameter {@code "0.weight"} becomes {@code "critic.0.weight"}.
     */
    public Checkpoint with(String name, Map<String, Variable> state) {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("checkpoint: the name of a part must not be empty");
        }
        Map<String, Variable> qualified = new LinkedHashMap<>();
        state.forEach((key, variable) -> {
            String kind = OPTIONAL.stream().filter(key::startsWith).findFirst().orElse("");
            qualified.put(kind + name + "." + key.substring(kind.length()), variable);
        });
        return with(qualified);
    }

    /** This and a device's random state. */
    public Checkpoint with(RandomState random) {
        return with(Map.of(RANDOM + "state", random.state()));
    }

    /**
     * Writes the variables' present values. They go to {@code file} with {@code ".partial"} behind its name, which is
     * synced and renamed.
     *
     * @throws IOException if that fails; the file that was there is untouched
     */
    public void save(Path file, Map<String, String> metadata) throws IOException {
        Path target = file.toAbsolutePath();
        Path partial = target.resolveSibling(target.getFileName() + ".partial");
        Safetensors.writeVariables(partial, variables, metadata);
        Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        syncFolder(target.getParent());
    }

    /** Makes the new name itself last through a loss of power, where the system can open folders. */
    private static void syncFolder(Path folder) throws IOException {
        if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    /**
     * Sets the variables to what a file holds, all of them or, if the file does not fit, none. The optimizer's and the
     * random state in a file, averages of weights and the counters of PyTorch's batch norm may be left unread,
     * parameters may not.
     *
     * @return the strings that were saved with them
     * @throws InvalidFileException if it is no safetensors file, or of another model: then the message names the first
     *     parameter that differs, and how
     */
    public Map<String, String> load(Path file) throws IOException {
        return load(file, false);
    }

    /**
     * As {@link #load}, of a model that was saved with other floating dtypes, too: its numbers are rounded to those of
     * the variables, as PyTorch's {@code load_state_dict} does it unasked.
     *
     * @throws InvalidFileException as {@link #load} does; integers and truth values must still be what they are here
     */
    public Map<String, String> loadRounded(Path file) throws IOException {
        return load(file, true);
    }

    private Map<String, String> load(Path file, boolean rounded) throws IOException {
        try (Safetensors tensors = Safetensors.open(file)) {
            requireFit(file, tensors.types(), rounded);
            variables.forEach((name, variable) -> {
                try (Tensor value = tensors.tensor(variable.device(), name);
                        Tensor cast = value.to(variable.type().dtype())) {
                    variable.assign(cast);
                }
            });
            return new LinkedHashMap<>(tensors.metadata());
        }
    }

    /** The strings of a checkpoint, without its tensors. */
    public static Map<String, String> metadata(Path file) throws IOException {
        try (Safetensors tensors = Safetensors.open(file)) {
            return new LinkedHashMap<>(tensors.metadata());
        }
    }

    private static boolean mayBeLeft(String name) {
        return OPTIONAL.stream().anyMatch(name::startsWith) || name.equals(BATCH_COUNT)
            || name.endsWith("." + BATCH_COUNT);
    }

    private void requireFit(Path file, Map<String, TensorType> found, boolean rounded) throws InvalidFileException {
        for (Map.Entry<String, Variable> entry : variables.entrySet()) {
            String name = entry.getKey();
            TensorType type = found.get(name);
            TensorType expected = entry.getValue().type();
            if (type == null) {
                throw new InvalidFileException(file, "is a checkpoint of another model: '" + name + "' " + expected
                    + " is not in it");
            }
            boolean rounds = type.shape().equals(expected.shape()) && type.dtype().isFloating()
                && expected.dtype().isFloating();
            if (!type.equals(expected) && !(rounds && rounded)) {
                throw new InvalidFileException(file, "is a checkpoint of another model: '" + name + "' is " + type
                    + " in it but " + expected + " here" + (rounds ? ": loadRounded takes it nevertheless" : ""));
            }
        }
        for (Map.Entry<String, TensorType> entry : found.entrySet()) {
            String name = entry.getKey();
            if (!variables.containsKey(name) && !mayBeLeft(name)) {
                throw new InvalidFileException(file, "is a checkpoint of another model: it holds '" + name + "' "
                    + entry.getValue() + ", which is not here");
            }
        }
    }
}
