//! The macro that turns the declaration of the methods into their types, readers, writers and tests.

/// For each class a module with a struct per method, and over all of them the enum `Method`.
///
/// A method is declared as `Variant: Struct<'a> = id "class.method" { fields }`; a field is `name: type,`, fields
/// that carry nothing (sent as zero, ignored when read) are `@type;` before the field they precede or `~type;` at
/// the end.
macro_rules! declare_methods {
    ($(
        $(#[$class_doc:meta])*
        mod $class:ident = $class_id:literal {$(
            $(#[$doc:meta])*
            $variant:ident: $name:ident $(<$life:lifetime>)? = $id:literal $text:literal {
                $( $(@$skipped:ty;)* $field:ident: $type:ty, )*
                $( ~$last:ty; )*
            }
        )*}
    )*) => {
        $(
            $(#[$class_doc])*
            pub mod $class {
                #[allow(unused_imports)]
                use super::{Field, Malformed, MethodFrame, Reader, SkippedLong, SkippedShort, Table, Writer};

                /// Id of the class.
                pub const CLASS_ID: u16 = $class_id;

                $(
                    $(#[$doc])*
                    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
                    pub struct $name $(<$life>)? {
                        $(
                            #[doc = concat!("Field `", stringify!($field), "` of `", $text, "`.")]
                            pub $field: $type,
                        )*
                    }

                    impl $(<$life>)? $name $(<$life>)? {
                        /// Id of the method within its class.
                        pub const METHOD_ID: u16 = $id;

                        #[inline]
                        #[allow(unused_variables)]
                        pub(super) fn decode(reader: &mut Reader $(<$life>)?) -> Result<Self, Malformed> {
                            $(
                                $(<$skipped as Field>::decode(reader)?;)*
                                let $field = <$type as Field>::decode(reader)?;
                            )*
                            $(<$last as Field>::decode(reader)?;)*
                            Ok(Self { $($field),* })
                        }
                    }

                    impl $(<$life>)? MethodFrame for $name $(<$life>)? {
                        const CLASS_ID: u16 = $class_id;
                        const METHOD_ID: u16 = $id;

                        #[allow(unused_variables, unused_mut)]
                        fn encode_fields(&self, out: &mut Vec<u8>) {
                            let mut writer = Writer::new(out);
                            $(
                                $(<$skipped as Field>::encode(&<$skipped>::default(), &mut writer);)*
                                <$type as Field>::encode(&self.$field, &mut writer);
                            )*
                            $(<$last as Field>::encode(&<$last>::default(), &mut writer);)*
                        }
                    }
                )*
            }
        )*

        /// One method, of either direction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Method<'a> {
            $($(
                #[doc = concat!("`", $text, "`")]
                $variant($class::$name $(<$life>)?),
            )*)*
        }

        impl<'a> Method<'a> {
            /// Every method: class id, method id, name.
            pub const ALL: &'static [(u16, u16, &'static str)] = &[$($(($class_id, $id, $text),)*)*];

            /// Reads the payload of a method frame.
            ///
            /// # Errors
            /// [`MethodError`]; where the ids could be read, it has them.
            #[inline]
            pub fn decode(payload: &'a [u8]) -> Result<Self, MethodError> {
                let mut reader = Reader::new(payload);
                let (Ok(class_id), Ok(method_id)) = (reader.u16(), reader.u16()) else {
                    return Err(MethodError::NoIds);
                };
                let method = match (class_id, method_id) {
                    $($(
                        ($class_id, $id) => $class::$name::decode(&mut reader).map(Self::$variant),
                    )*)*
                    $( ($class_id, _) => return Err(MethodError::UnknownMethod { class_id, method_id }), )*
                    _ => return Err(MethodError::UnknownClass { class_id, method_id }),
                };
                method
                    .and_then(|method| reader.finish().map(|()| method))
                    .map_err(|malformed| MethodError::Malformed { class_id, method_id, malformed })
            }

            /// Class id and method id.
            #[must_use]
            pub fn ids(&self) -> (u16, u16) {
                match self {
                    $($(Self::$variant(_) => ($class_id, $id),)*)*
                }
            }

            /// Name as in the specification, `class.method`.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $($(Self::$variant(_) => $text,)*)*
                }
            }

            /// Appends the method as one frame.
            pub fn write_frame(&self, out: &mut Vec<u8>, channel: u16) {
                match self {
                    $($(Self::$variant(method) => method.write_frame(out, channel),)*)*
                }
            }
        }

        $($(
            impl<'a> From<$class::$name $(<$life>)?> for Method<'a> {
                fn from(method: $class::$name $(<$life>)?) -> Self {
                    Self::$variant(method)
                }
            }
        )*)*
    };
}

pub(super) use declare_methods;
