package org.adjoint.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Puts tasks in order: as the program has them, but as soon as they can run those that leave next to nothing in the
 * arena. Updates of an optimizer are among them, whose gradients can be freed then, and the sums that stand for whole
 * tensors, and the few numbers that others wait for.
 */
final class Schedule {
    /** What a task may add to the arena and still run early. */
    private static final long NEXT_TO_NOTHING = 16 * 1024;

    private Schedule() { }

    static List<Task> order(List<Task> tasks) {
        Map<Task, Integer> waiting = new HashMap<>();
        PriorityQueue<Task> ready = new PriorityQueue<>(Comparator.comparingInt((Task task) -> task.urgency)
            .thenComparingInt(Task::birth));
        for (Task task : tasks) {
            task.urgency = isLight(task) ? 0 : 1;
            waiting.put(task, task.before.size());
            if (task.before.isEmpty()) {
                ready.add(task);
            }
        }
        List<Task> order = new ArrayList<>();
        while (!ready.isEmpty()) {
            Task task = ready.poll();
            task.position = order.size();
            order.add(task);
            for (Task next : task.after) {
                if (waiting.merge(next, -1, Integer::sum) == 0) {
                    ready.add(next);
                }
            }
        }
        if (order.size() != tasks.size()) {
            throw new IllegalStateException("the plan has a cycle: " + (tasks.size() - order.size()) + " of "
                + tasks.size() + " steps wait for each other");
        }
        return order;
    }

    private static boolean isLight(Task task) {
        return task.outputs.stream().filter(output -> output.home == Value.ARENA)
            .mapToLong(output -> output.type.bytes()).sum() <= NEXT_TO_NOTHING;
    }
}
