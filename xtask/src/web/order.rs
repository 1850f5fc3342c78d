//! Orders the functions of a module so that it compresses better.
//!
//! Compression finds repetitions that are near, and they cost more the further away they are. So functions of about
//! the same length that end alike stand beside each other: the transfer is some 2 % smaller than in the compiler's
//! order, the longest first (docs/measurements.md). Nothing else of the module changes.

use std::convert::Infallible;

use anyhow::{Context, Result, anyhow};
use wasm_encoder::{
    CodeSection, FunctionSection, Module,
    reencode::{Error, Reencode},
};
use wasmparser::{
    CodeSectionReader, FunctionBody, FunctionSectionReader, Operator, Parser, Payload, TypeRef,
};

/// The same module with its functions in another order.
pub fn functions(wasm: &[u8]) -> Result<Vec<u8>> {
    let (mut imported, mut bodies) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.context("the compiled client is no WebAssembly module")? {
            Payload::ImportSection(imports) => {
                for import in imports {
                    imported += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body),
            _ => {}
        }
    }
    let keys: Vec<_> = bodies.iter().map(likeness).collect::<Result<_>>()?;
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|place| keys.get(*place));

    let mut places: Vec<usize> = (0..imported + bodies.len()).collect();
    for (new, old) in order.iter().enumerate() {
        if let Some(place) = places.get_mut(imported + old) {
            *place = imported + new;
        }
    }
    let mut module = Module::new();
    let mut renumber = Renumber { order, places };
    renumber
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .map_err(|error| anyhow!("the functions of the client cannot be put in order: {error}"))?;
    Ok(module.finish())
}

/// The sort key of a function: the power of two of its length, and its bytes from the end on, without the indices of
/// called functions, which say nothing about likeness.
fn likeness(body: &FunctionBody<'_>) -> Result<(Option<u32>, Vec<u8>)> {
    let (bytes, begin) = (body.as_bytes(), body.range().start);
    let mut reader = body.get_operators_reader().context("a function of the client does not read")?;
    let mut from = reader.original_position() - begin;
    let mut key = bytes.get(..from).unwrap_or_default().to_vec();
    while !reader.eof() {
        let operator = reader.read().context("a function of the client does not read")?;
        let to = reader.original_position() - begin;
        let kept = if matches!(operator, Operator::Call { .. }) { from + 1 } else { to };
        key.extend(bytes.get(from..kept).unwrap_or_default());
        from = to;
    }
    key.reverse();
    Ok((bytes.len().checked_ilog2(), key))
}

/// Writes a module with its functions in another order.
struct Renumber {
    /// Which function of the module, without those that it takes in, stands where.
    order: Vec<usize>,
    /// The new number of each function, with those that it takes in.
    places: Vec<usize>,
}

type Written<T = ()> = std::result::Result<T, Error<Infallible>>;

impl Reencode for Renumber {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Written<u32> {
        let place = usize::try_from(function).ok().and_then(|function| self.places.get(function));
        Ok(place.and_then(|place| u32::try_from(*place).ok()).unwrap_or(function))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Written {
        let types: Vec<u32> = section.into_iter().collect::<std::result::Result<_, _>>()?;
        for r#type in self.order.iter().filter_map(|old| types.get(*old)) {
            functions.function(*r#type);
        }
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, section: CodeSectionReader<'_>) -> Written {
        let bodies: Vec<FunctionBody<'_>> = section.into_iter().collect::<std::result::Result<_, _>>()?;
        for old in self.order.clone() {
            if let Some(body) = bodies.get(old) {
                self.parse_function_body(code, body.clone())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::{ExportItem, FunctionBuilder, ModuleConfig, ValType, ir::Value};

    /// What an exported function gives, without running it: the number that it pushes, or that of the one that it calls.
    fn number(module: &walrus::Module, name: &str) -> i32 {
        let export = module.exports.iter().find(|export| export.name == name).unwrap();
        let ExportItem::Function(mut function) = export.item else { panic!("{name} is no function") };
        loop {
            let body = module.funcs.get(function).kind.unwrap_local();
            match body.block(body.entry_block()).instrs.first().unwrap() {
                (walrus::ir::Instr::Call(call), _) => function = call.func,
                (walrus::ir::Instr::Const(number), _) => match number.value {
                    Value::I32(number) => return number,
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_module_in_another_order_gives_out_the_same_functions() {
        let mut module = walrus::Module::with_config(ModuleConfig::new());
        let imported = module.types.add(&[], &[]);
        module.add_import_func("env", "taken", imported);
        for value in [7, 300, 5, 70_000, 6] {
            let mut pushes = FunctionBuilder::new(&mut module.types, &[], &[ValType::I32]);
            pushes.func_body().i32_const(value);
            let pushes = pushes.finish(vec![], &mut module.funcs);
            let mut calls = FunctionBuilder::new(&mut module.types, &[], &[ValType::I32]);
            calls.func_body().call(pushes);
            let calls = calls.finish(vec![], &mut module.funcs);
            module.exports.add(&format!("pushes {value}"), pushes);
            module.exports.add(&format!("calls {value}"), calls);
        }
        let before = module.emit_wasm();
        let after = functions(&before).unwrap();
        assert_ne!(before, after);
        let module = walrus::Module::from_buffer(&after).unwrap();
        for value in [7, 300, 5, 70_000, 6] {
            let both = ["pushes", "calls"].map(|what| number(&module, &format!("{what} {value}")));
            assert_eq!(both, [value; 2]);
        }
        assert_eq!(after, functions(&before).unwrap(), "the same each time");
    }
}
