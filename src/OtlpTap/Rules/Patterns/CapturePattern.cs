using OtlpTap.Rules.Expressions;

namespace OtlpTap.Rules.Patterns;

/// <summary>
/// A regular expression that is asked what its groups matched: of the matches that start first, the one that Go's
/// <c>regexp</c> prefers. All alternatives are followed side by side, so that the time is linear in the text.
/// Source: https://swtch.com/~rsc/regexp/regexp2.html (Pike's machine).
/// </summary>
internal sealed class CapturePattern
{
    /// <summary>Some megabytes; a pattern of a log line has hundreds.</summary>
    private const int InstructionsMax = 200_000;

    /// <summary>Steps of one match: about a second, which a pattern of a log line needs for megabytes.</summary>
    private const long StepsMax = 30_000_000;

    private readonly List<Instruction> _program = [];
    private bool _tooLarge;

    private CapturePattern()
    {
    }

    private enum Operation : byte
    {
        Match,
        Runes,
        Split,
        Save,
        Place,
    }

    /// <summary>Of the groups by number; empty for those without a name, and for the whole match, which comes first.</summary>
    public IReadOnlyList<string> GroupNames { get; private set; } = [];

    /// <summary>Null, and what is wrong, when Go would refuse the pattern.</summary>
    /// <param name="pattern">As people write it, not as bytes.</param>
    public static CapturePattern? Parse(string pattern, out string problem)
    {
        if (PatternParser.Parse(pattern, out problem) is not { } node)
        {
            return null;
        }

        var names = new SortedDictionary<int, string> { [0] = "" };
        Collect(node, names);
        var compiled = new CapturePattern { GroupNames = [.. names.Values] };
        compiled.Compile(new GroupNode(node, 0, ""));
        compiled.Emit(new Instruction(Operation.Match));
        if (!compiled._tooLarge)
        {
            return compiled;
        }

        problem = $"The pattern \"{pattern}\" is too large.";
        return null;
    }

    /// <summary>The texts of the groups, by number; a group that took no part is empty. Null without a match.</summary>
    /// <param name="text">One char for each byte: see <see cref="ByteText"/>.</param>
    /// <param name="tooMuch">The work was broken off.</param>
    public string[]? Match(string text, out bool tooMuch)
    {
        var run = new Run(this, text);
        var places = run.Find();
        tooMuch = run.StepsLeft <= 0;
        if (places is null || tooMuch)
        {
            return null;
        }

        var groups = new string[GroupNames.Count];
        for (var i = 0; i < groups.Length; i++)
        {
            var (start, end) = (places[2 * i], places[(2 * i) + 1]);
            groups[i] = start >= 0 && end >= start ? text[start..end] : "";
        }

        return groups;
    }

    /// <summary>The first match at or behind a place. False without one, or when the work was broken off: then <paramref name="stepsLeft"/> is 0 or less.</summary>
    /// <param name="text">As for <see cref="Match"/>.</param>
    /// <param name="stepsLeft">What the work may still cost; less what this search cost.</param>
    public bool TryFind(string text, int from, ref long stepsLeft, out int start, out int end)
    {
        var run = new Run(this, text, stepsLeft);
        var places = run.Find(from);
        stepsLeft = run.StepsLeft;
        (start, end) = places is null || stepsLeft <= 0 ? (0, 0) : (places[0], places[1]);
        return places is not null && stepsLeft > 0;
    }

    private static void Collect(PatternNode node, SortedDictionary<int, string> names)
    {
        switch (node)
        {
            case GroupNode group:
                names[group.Number] = group.Name;
                Collect(group.Inner, names);
                break;
            case RepeatNode repeat:
                Collect(repeat.Inner, names);
                break;
            case SequenceNode sequence:
                foreach (var part in sequence.Parts)
                {
                    Collect(part, names);
                }

                break;
            case ChoiceNode choice:
                foreach (var part in choice.Choices)
                {
                    Collect(part, names);
                }

                break;
        }
    }

    private int Emit(Instruction instruction)
    {
        _tooLarge |= _program.Count >= InstructionsMax;
        if (!_tooLarge)
        {
            _program.Add(instruction);
        }

        return _program.Count - 1;
    }

    /// <summary>What is compiled goes on with the instruction that follows it.</summary>
    private void Compile(PatternNode node)
    {
        if (_tooLarge)
        {
            return;
        }

        switch (node)
        {
            case RunesNode runes:
                Emit(new Instruction(Operation.Runes, Runes: runes.Runes));
                break;
            case PlaceNode place:
                Emit(new Instruction(Operation.Place, Place: place.Place));
                break;
            case SequenceNode sequence:
                foreach (var part in sequence.Parts)
                {
                    Compile(part);
                }

                break;
            case GroupNode group:
                Emit(new Instruction(Operation.Save, 2 * group.Number));
                Compile(group.Inner);
                Emit(new Instruction(Operation.Save, (2 * group.Number) + 1));
                break;
            case ChoiceNode choice:
                Compile(choice);
                break;
            case RepeatNode repeat:
                Compile(repeat);
                break;
        }
    }

    private void Compile(ChoiceNode choice)
    {
        var exits = new List<int>();
        for (var i = 0; i < choice.Choices.Count; i++)
        {
            if (i == choice.Choices.Count - 1)
            {
                Compile(choice.Choices[i]);
                break;
            }

            var split = Emit(new Instruction(Operation.Split));
            Compile(choice.Choices[i]);
            exits.Add(Emit(new Instruction(Operation.Split)));
            Lead(split, split + 1, _program.Count, isLazy: false);
        }

        foreach (var exit in exits)
        {
            Lead(exit, _program.Count, _program.Count, isLazy: false);
        }
    }

    private void Compile(RepeatNode repeat)
    {
        for (var i = 0; i < repeat.Min; i++)
        {
            Compile(repeat.Inner);
        }

        if (repeat.Max < 0)
        {
            var loop = Emit(new Instruction(Operation.Split));
            Compile(repeat.Inner);
            var back = Emit(new Instruction(Operation.Split));
            Lead(back, loop, loop, isLazy: false);
            Lead(loop, loop + 1, _program.Count, repeat.IsLazy);
            return;
        }

        var optional = new List<int>();
        for (var i = repeat.Min; i < repeat.Max && !_tooLarge; i++)
        {
            optional.Add(Emit(new Instruction(Operation.Split)));
            Compile(repeat.Inner);
        }

        foreach (var split in optional)
        {
            Lead(split, split + 1, _program.Count, repeat.IsLazy);
        }
    }

    private void Lead(int split, int first, int second, bool isLazy)
    {
        if (!_tooLarge)
        {
            _program[split] = new Instruction(Operation.Split, isLazy ? second : first, isLazy ? first : second);
        }
    }

    private readonly record struct Instruction(Operation Operation, int X = 0, int Y = 0, RuneSet? Runes = null, Place Place = default);

    /// <summary>One search. Threads are ordered: the first is preferred.</summary>
    private sealed class Run(CapturePattern pattern, string text, long stepsMax = StepsMax)
    {
        private readonly List<Instruction> _program = pattern._program;
        private readonly int[] _noPlaces = [.. Enumerable.Repeat(-1, pattern.GroupNames.Count * 2)];
        private readonly Stack<(int At, int[] Places)> _pending = new();
        private readonly int[] _seenAt = new int[pattern._program.Count];
        private int _generation;

        public long StepsLeft { get; private set; } = stepsMax;

        public int[]? Find(int from = 0)
        {
            var threads = new List<(int At, int[] Places)>();
            var following = new List<(int At, int[] Places)>();
            int[]? best = null;
            var before = from == 0 ? Neighbour.Edge : NeighbourOf(text[from - 1]);
            for (var at = from; ; )
            {
                var isEnd = at >= text.Length;
                var (rune, length) = isEnd ? (default, 0) : ByteText.RuneAt(text, at);
                var after = isEnd ? Neighbour.Edge : NeighbourOf(rune.Value);

                // The threads come from the character before; now both neighbours of this place are known.
                var pending = threads;
                threads = [];
                _generation++;
                foreach (var thread in pending)
                {
                    Add(threads, thread.At, thread.Places, at, before, after);
                }

                if (best is null)
                {
                    Add(threads, 0, _noPlaces, at, before, after);
                }

                following.Clear();
                foreach (var (state, places) in threads)
                {
                    StepsLeft--;
                    var instruction = _program[state];
                    if (instruction.Operation == Operation.Match)
                    {
                        // Whatever is preferred less is given up.
                        best = places;
                        break;
                    }

                    if (!isEnd && instruction.Runes!.Contains(rune.Value))
                    {
                        following.Add((state + 1, places));
                    }
                }

                if (isEnd || (following.Count == 0 && best is not null) || StepsLeft <= 0)
                {
                    return best;
                }

                (threads, following) = (following, threads);
                at += length;
                before = after;
            }
        }

        private static Neighbour NeighbourOf(int rune) => rune < 0x80 ? ClosureWalk.NeighbourOf((byte)rune) : Neighbour.Other;

        private void Add(List<(int At, int[] Places)> threads, int start, int[] startPlaces, int at, Neighbour before, Neighbour after)
        {
            _pending.Push((start, startPlaces));
            while (_pending.TryPop(out var next))
            {
                var (state, places) = next;
                if (_seenAt[state] == _generation)
                {
                    continue;
                }

                _seenAt[state] = _generation;
                StepsLeft--;
                var instruction = _program[state];
                switch (instruction.Operation)
                {
                    case Operation.Split:
                        _pending.Push((instruction.Y, places));
                        _pending.Push((instruction.X, places));
                        break;
                    case Operation.Save:
                        var saved = (int[])places.Clone();
                        saved[instruction.X] = at;
                        _pending.Push((state + 1, saved));
                        break;
                    case Operation.Place when !ClosureWalk.Holds(instruction.Place, before, after):
                        break;
                    case Operation.Place:
                        _pending.Push((state + 1, places));
                        break;
                    default:
                        threads.Add((state, places));
                        break;
                }
            }
        }
    }
}
