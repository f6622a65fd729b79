using OtlpTap.Runs.Json;

namespace OtlpTap.Runs.Content;

/// <summary>Offered tools, as names, as OpenAI's functions, Anthropic's and MCP's tools, Gemini's declarations, Bedrock's specifications, or a map by name.</summary>
internal static class ToolShapes
{
    private const int DepthMax = 4;

    /// <summary>Null when this is no list of tools.</summary>
    public static List<OfferedTool>? Read(JsonValue value, RunLimits limits)
    {
        if (!value.IsGiven)
        {
            return null;
        }

        var tools = new List<OfferedTool>();
        return Add(value, tools, limits, DepthMax) ? tools : null;
    }

    public static bool Add(JsonValue value, List<OfferedTool> tools, RunLimits limits, int depthLeft = DepthMax)
    {
        if (depthLeft == 0)
        {
            return false;
        }

        if (value.IsText)
        {
            return AddText(value.Text, tools, limits, depthLeft);
        }

        if (value.IsArray)
        {
            foreach (var item in value)
            {
                if (tools.Count >= limits.ToolsMax)
                {
                    break;
                }

                Add(item, tools, limits, depthLeft - 1);
            }

            return true;
        }

        return value.IsObject && AddObject(value, tools, limits, depthLeft);
    }

    private static bool AddObject(JsonValue value, List<OfferedTool> tools, RunLimits limits, int depthLeft)
    {
        if (value.First("functionDeclarations", "function_declarations", "function_tools", "tools") is { IsGiven: true } several)
        {
            return Add(several, tools, limits, depthLeft - 1);
        }

        var tool = value.First("function", "toolSpec", "tool", "kwargs");
        tool = tool.IsObject ? tool : value;
        if (tool["name"].TextOrNull is { } name)
        {
            if (tools.Count < limits.ToolsMax)
            {
                tools.Add(new OfferedTool(name, tool["description"].TextOrNull, Schema(tool) ?? Schema(value)));
            }

            return true;
        }

        // Hosted tools have a type alone ("web_search").
        if (value["type"].TextOrNull is { } type && type != "function")
        {
            tools.Add(new OfferedTool(type, null, null));
            return true;
        }

        var found = false;
        foreach (var member in value)
        {
            if (tools.Count < limits.ToolsMax && member.IsObject && (member["description"].IsText || Schema(member) is not null))
            {
                tools.Add(new OfferedTool(member.Name, member["description"].TextOrNull, Schema(member)));
                found = true;
            }
        }

        return found;
    }

    private static bool AddText(string text, List<OfferedTool> tools, RunLimits limits, int depthLeft)
    {
        if (JsonText.TryReadWhole(text, limits, out var json))
        {
            return Add(json.Root, tools, limits, depthLeft - 1);
        }

        if (text.Length == 0 || tools.Count >= limits.ToolsMax)
        {
            return false;
        }

        // Genkit names a tool by its key in the registry: "/tool/get_weather".
        tools.Add(new OfferedTool(text.StartsWith("/tool/", StringComparison.Ordinal) ? text["/tool/".Length..] : text, null, null));
        return true;
    }

    private static string? Schema(JsonValue tool)
    {
        var schema = tool.First("parameters", "inputSchema", "input_schema", "parameters_json_schema", "parametersJsonSchema", "json_schema", "args_schema", "schema");
        if (schema["json"] is { IsObject: true } bedrock)
        {
            schema = bedrock;
        }

        // The AI SDK wraps schemas it was given as objects.
        if (schema["jsonSchema"] is { IsObject: true } wrapped)
        {
            schema = wrapped;
        }

        return schema.IsObject ? schema.Raw : schema.IsText && schema.Text.StartsWith('{') ? schema.Text : null;
    }
}
