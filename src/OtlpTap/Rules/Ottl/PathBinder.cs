using System.Text;

namespace OtlpTap.Rules.Ottl;

/// <summary>Finds the slot that a path reads, and the keys into its value.</summary>
internal sealed class PathBinder(RuleContext ruleContext, BindingProblems problems)
{
    private readonly IReadOnlyList<string> _readable = Names.ContextsFor(ruleContext);

    /// <summary>Null when problems were added.</summary>
    public PathOperand? Bind(PathSyntax path)
    {
        var fields = path.Fields;
        var context = _readable[0];
        if (fields.Count > 1 && fields[0].Keys.Count == 0 && Names.ContextOf(fields[0].Name) is { } named)
        {
            if (!_readable.Contains(named))
            {
                problems.Wrong(path.Position, $"A {_readable[0]} condition cannot read {fields[0].Name}; it reads {string.Join(", ", _readable)}.");
                return null;
            }

            context = named;
            fields = [.. fields.Skip(1)];
        }

        return context == "otelcol" ? UnsupportedPath(path, fields, context) : BindField(path, fields, context);
    }

    private PathOperand? BindField(PathSyntax path, IReadOnlyList<FieldSyntax> fields, string context)
    {
        var name = string.Join('.', fields.Select(field => field.Name));
        var keys = fields[^1].Keys;
        if (fields.Take(fields.Count - 1).Any(field => field.Keys.Count > 0) || (fields[0].Name == "attributes" && fields.Count > 1))
        {
            problems.Wrong(fields[^1].Position, $"Nothing can follow {context}.{fields[0].Name} with a dot; a key stands in brackets: {context}.{fields[0].Name}[\"{fields[^1].Name}\"].");
            return null;
        }

        if (name == "attributes")
        {
            return keys.Count > 0 ? BindAttribute(context, keys) : UnsupportedPath(path, fields, context);
        }

        if (Names.SlotOf(context, name) is not { } slot)
        {
            return UnsupportedPath(path, fields, context);
        }

        if (keys.Count > 0 && slot != FixedSlots.LogBody)
        {
            problems.Wrong(keys[0].Position, $"{context}.{name} is neither map nor list and has no keys.");
            return null;
        }

        return BindKeys(keys) is { } into ? new PathOperand(SlotReference.OfField(slot), into) : null;
    }

    private PathOperand? UnsupportedPath(PathSyntax path, IReadOnlyList<FieldSyntax> fields, string context)
    {
        var name = string.Join('.', fields.Select(field => field.Name));
        if (Names.FieldsOf(context).Contains(name))
        {
            problems.Unsupported(path.Position, name == "attributes" ? "attributes are read one by one: attributes[\"key\"]" : $"{context}.{name} cannot be read{Names.Elsewhere(context, name)}");
            return null;
        }

        // A dotted path whose first part is neither a context nor a field: the context is the likelier slip.
        var isContextWrong = fields.Count > 1 && !Names.FieldsOf(context).Any(field => field.Split('.')[0] == fields[0].Name);
        problems.Wrong(fields[0].Position, isContextWrong
            ? $"{fields[0].Name} is no context of a {_readable[0]} condition{Names.Suggest(fields[0].Name, _readable)}"
            : $"{context} has no field {name}{Names.Suggest(name, Names.FieldsOf(context))}");
        return null;
    }

    private PathOperand? BindAttribute(string context, IReadOnlyList<ValueSyntax> keys)
    {
        if (keys[0] is not StringSyntax { Value: var attribute })
        {
            problems.Unsupported(keys[0].Position, "an attribute is read by a key in quotes");
            return null;
        }

        if (BindKeys(keys.Skip(1)) is not { } path)
        {
            return null;
        }

        var section = context switch
        {
            "resource" => SlotSection.Resource,
            "instrumentation_scope" => SlotSection.Scope,
            "span" => SlotSection.Span,
            "log" => SlotSection.Log,
            _ => SlotSection.Event,
        };
        return new PathOperand(SlotReference.OfAttribute(section, attribute), path);
    }

    /// <summary>Null when problems were added.</summary>
    private List<ValueKey>? BindKeys(IEnumerable<ValueSyntax> keys)
    {
        var path = new List<ValueKey>();
        foreach (var key in keys)
        {
            if (BindKey(key) is not { } bound)
            {
                return null;
            }

            path.Add(bound);
        }

        return path;
    }

    private ValueKey? BindKey(ValueSyntax key)
    {
        switch (key)
        {
            case StringSyntax text:
                return new ValueKey(Encoding.UTF8.GetBytes(text.Value), 0);
            case IntSyntax number:
                return new ValueKey(null, number.Value);
            default:
                problems.Unsupported(key.Position, "a key is a string or a number written in the condition");
                return null;
        }
    }
}
